"""Runs the other entry points one after the other, each as a child run of this one."""

import sys

import mlflow

rows, max_depth = sys.argv[1:]


def step(entry_point, parameters):
    # local: a step runs in the environment of this program, which was prepared for the whole project.
    return mlflow.run(".", entry_point, parameters=parameters, env_manager="local").run_id


with mlflow.start_run():
    made = step("make_data", {"rows": rows})
    data = mlflow.artifacts.download_artifacts(run_id=made, artifact_path="data.csv")
    trained = step("train", {"data": data, "max_depth": max_depth})
    accuracy = mlflow.MlflowClient().get_run(trained).data.metrics["accuracy"]
    mlflow.log_metric("accuracy", accuracy)
