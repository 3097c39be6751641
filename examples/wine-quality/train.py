"""Trains an elastic net on measurements of wines, and logs it with its errors on data that it has not seen."""

import argparse

import mlflow
import sklearn
from mlflow.models import infer_signature
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error
from sklearn.model_selection import train_test_split

from model import add_arguments, load, make_model

parser = argparse.ArgumentParser(description=__doc__)
add_arguments(parser)
arguments = parser.parse_args()

features, target = load()
train_x, test_x, train_y, test_y = train_test_split(features, target, random_state=42)

with mlflow.start_run():
    print(f"training on {len(train_x)} wines", flush=True)
    model = make_model(arguments.alpha, arguments.l1_ratio).fit(train_x, train_y)
    predicted = model.predict(test_x)
    metrics = {
        "rmse": root_mean_squared_error(test_y, predicted),
        "mae": mean_absolute_error(test_y, predicted),
        "r2": r2_score(test_y, predicted),
    }
    mlflow.log_metrics(metrics)
    for name, value in metrics.items():
        print(f"{name} {value:.3f}", flush=True)
    mlflow.sklearn.log_model(
        model,
        name="model",
        signature=infer_signature(test_x, predicted),
        input_example=test_x.head(1),
        # Named, they need not be found out by loading the model once more.
        pip_requirements=[f"scikit-learn=={sklearn.__version__}"],
    )
