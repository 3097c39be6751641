"""Makes a table of two classes and logs it as an artifact."""

import sys
import tempfile
from pathlib import Path

import mlflow
import pandas as pd
from sklearn.datasets import make_classification

features, label = make_classification(n_samples=int(sys.argv[1]), random_state=42)
table = pd.DataFrame(features, columns=[f"x{n}" for n in range(features.shape[1])]).assign(label=label)

with mlflow.start_run(), tempfile.TemporaryDirectory() as folder:
    file = Path(folder, "data.csv")
    table.to_csv(file, index=False)
    mlflow.log_artifact(str(file))
