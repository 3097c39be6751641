"""Trains a decision tree on the table that make_data left."""

import sys

import mlflow
import pandas as pd
from sklearn.model_selection import train_test_split
from sklearn.tree import DecisionTreeClassifier

table = pd.read_csv(sys.argv[1])
train, test = train_test_split(table, random_state=42)
tree = DecisionTreeClassifier(max_depth=int(sys.argv[2]), random_state=42)

with mlflow.start_run():
    tree.fit(train.drop(columns=["label"]), train["label"])
    mlflow.log_metric("accuracy", tree.score(test.drop(columns=["label"]), test["label"]))
    mlflow.sklearn.log_model(tree, name="tree")
