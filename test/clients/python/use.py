"""Uses the client that openapi-python-client generated, as it is: python use.py URL ARCHIVE."""

import hashlib
import io
import sys
import tarfile
import time
from pathlib import Path

from mlflow_jobs import Client
from mlflow_jobs.api.jobs import get_job, get_logs, submit_job
from mlflow_jobs.api.results import get_model, list_model_files
from mlflow_jobs.models import JobStatus, Submission, SubmissionParameters, SubmissionTags
from mlflow_jobs.types import File

url, archive = sys.argv[1:]
client = Client(base_url=url, raise_on_unexpected_status=True)

parameters, tags = SubmissionParameters(), SubmissionTags()
parameters["alpha"], tags["client"] = 0.5, "python"
submission = Submission(
    project=File(io.BytesIO(Path(archive).read_bytes()), "code.tar.gz", "application/gzip"),
    parameters=parameters,
    tags=tags,
)
job = submit_job.sync(client=client, body=submission)
while not job.terminal:
    time.sleep(0.2)
    job = get_job.sync(job.id, client=client)
assert job.status is JobStatus.SUCCEEDED, job.failure
assert job.metrics["alpha"] == 0.5 and job.metrics["lost"] == "NaN"

log = get_logs.sync(job.id, client=client)
assert "trained with 0.5" in log

files = list_model_files.sync(job.id, client=client).items
[listed] = [file for file in files if file.path.endswith("notes.txt")]
model = get_model.sync_detailed(job.id, client=client).content
with tarfile.open(fileobj=io.BytesIO(model)) as tar:
    notes = tar.extractfile(f"./{listed.path}").read()
assert hashlib.sha256(notes).hexdigest() == listed.sha256
print(f"{job.id} {job.status}, {len(log)} characters of log, {listed.path} is {notes.decode()!r}")
