"""Fits a polynomial to a table and logs its coefficients."""

import sys

import mlflow
import numpy as np

data, degree, label = sys.argv[1:]
x, y = np.loadtxt(data, delimiter=",", skiprows=1, unpack=True)
coefficients = np.polyfit(x, y, int(float(degree)))

with mlflow.start_run():
    mlflow.set_tag("label", label)
    mlflow.log_metric("error", float(np.abs(np.polyval(coefficients, x) - y).max()))
    mlflow.log_dict({"coefficients": coefficients.tolist()}, "fit.json")
