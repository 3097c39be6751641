"""Logs the error of each fold of a cross-validation, as the history of one metric."""

import argparse

import mlflow
from sklearn.model_selection import cross_val_score

from model import add_arguments, load, make_model

parser = argparse.ArgumentParser(description=__doc__)
add_arguments(parser)
parser.add_argument("--folds", type=int, required=True)
arguments = parser.parse_args()

features, target = load()
model = make_model(arguments.alpha, arguments.l1_ratio)
scores = cross_val_score(model, features, target, cv=arguments.folds, scoring="neg_mean_absolute_error")

with mlflow.start_run():
    for fold, score in enumerate(scores):
        print(f"fold {fold}: mae {-score:.3f}", flush=True)
        mlflow.log_metric("fold_mae", -score, step=fold)
    mlflow.log_metric("mean_mae", -scores.mean())
