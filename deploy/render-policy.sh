#!/bin/sh
# Prints a policy of deploy/iam with its placeholders replaced by the shell variables of the same names (docs/sagemaker.md).
set -eu
sed \
  -e "s|ACCOUNT|$ACCOUNT|g" \
  -e "s|REGION|$REGION|g" \
  -e "s|KMS_KEY_ARN|${KMS_KEY_ARN-}|g" \
  -e "s|MLFLOW_BUCKET|${MLFLOW_BUCKET-}|g" \
  -e "s|BUCKET|$BUCKET|g" \
  -e "s|SECRETS_PREFIX|${SECRETS_PREFIX:-none/}|g" \
  -e "s|PREFIX|$PREFIX|g" \
  -e "s|JOB_ROLE|$JOB_ROLE|g" \
  -e "s|REPOSITORY|$REPOSITORY|g" \
  "$(dirname "$0")/iam/$1"
