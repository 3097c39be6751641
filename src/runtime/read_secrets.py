"""Reads secrets of AWS Secrets Manager: `{"NAME": "arn:..."}` on stdin, `{"NAME": {"value": ...} or {"problem": ...}}` on
stdout. The job's role must have the right to; an error's message names the secret and never holds its value."""

import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

PATIENCE = Config(connect_timeout=10, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 3})
clients = {}


def client_of(region):
    if region not in clients:
        clients[region] = boto3.client("secretsmanager", region_name=region, config=PATIENCE)
    return clients[region]


def read(arn):
    try:
        answer = client_of(arn.split(":")[3]).get_secret_value(SecretId=arn)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        return {"problem": PROBLEMS.get(code, f"was refused by AWS Secrets Manager ({code})")}
    except BotoCoreError as error:
        return {"problem": f"could not be asked for: {error}"}
    if "SecretString" not in answer:
        return {"problem": "holds bytes and no text"}
    return {"value": answer["SecretString"]}


PROBLEMS = {
    "ResourceNotFoundException": "is not in AWS Secrets Manager",
    "AccessDeniedException": "may not be read by the job's role (secretsmanager:GetSecretValue, and kms:Decrypt for its key)",
}

print(json.dumps({name: read(arn) for name, arn in json.load(sys.stdin).items()}))
