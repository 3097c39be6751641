import sys

import mlflow

alpha = float(sys.argv[1])
with mlflow.start_run():
    mlflow.log_metrics({"alpha": alpha, "lost": float("nan")})
    mlflow.log_text(f"alpha is {alpha}", "notes.txt")
    print(f"trained with {alpha}")
