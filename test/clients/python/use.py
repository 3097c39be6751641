"""Uses the client that openapi-python-client generated, as it is: python use.py URL ARCHIVE."""

import hashlib
import io
import sys
from pathlib import Path

from mlflow_jobs import Client
from mlflow_jobs.api.jobs import get_job, get_logs, submit_job
from mlflow_jobs.api.results import get_model_file, list_model_files
from mlflow_jobs.models import (
    Job,
    JobStatus,
    SubmissionForm,
    SubmissionFormParameters,
    SubmissionFormTags,
)
from mlflow_jobs.types import File

url, archive = sys.argv[1:]
client = Client(base_url=url, timeout=30, raise_on_unexpected_status=True)

parameters, tags = SubmissionFormParameters(), SubmissionFormTags()
parameters["alpha"], tags["client"] = 0.5, "python"
submission = SubmissionForm(
    project=File(io.BytesIO(Path(archive).read_bytes()), "code.tar.gz", "application/gzip"),
    parameters=parameters,
    tags=tags,
)
job = submit_job.sync(client=client, body=submission)
assert isinstance(job, Job), job
while not job.terminal:
    job = get_job.sync(job.id, client=client, wait=20)
assert job.status is JobStatus.SUCCEEDED, job.failure
assert job.metrics["alpha"] == 0.5 and job.metrics["lost"] == "NaN"

log = get_logs.sync(job.id, client=client)
assert "trained with 0.5" in log

files = list_model_files.sync(job.id, client=client).items
[listed] = [file for file in files if file.path.endswith("notes.txt")]
notes = get_model_file.sync(job.id, listed.path, client=client).payload.read()
assert hashlib.sha256(notes).hexdigest() == listed.sha256
print(f"{job.id} {job.status}, {len(log)} characters of log, {listed.path} is {notes.decode()!r}")
