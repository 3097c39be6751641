"""What the runtime does by MLflow, in one process, for importing MLflow takes longer than all of its calls.

One JSON object a line on stdin is a call, `{"call": name, "arguments": {...}}`; one JSON object a line on descriptor 3
answers it, `{"result": ...}` or `{"error": {...}}`. While the program runs, lines `{"metrics": {...}}` come unasked. The
program's stdout and stderr go together to our stdout, so that
their order is kept; what MLflow and we have to say goes to our stderr. Nothing is decided here.
"""

import contextlib
import json
import os
import signal
import sys


class Stopped(Exception):
    """SIGTERM came before the program was started."""


interruptible = False


def on_signal(_number, _frame):
    if interruptible:
        raise Stopped("Stopped before the program was started.")


# Signals are meant for the program. A handler, unlike SIG_IGN, is not inherited by it.
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, on_signal)

calls = os.fdopen(os.dup(0), encoding="utf-8")
answers = os.fdopen(3, "w", encoding="utf-8")
sys.stdout = sys.stderr = os.fdopen(os.dup(2), "w", buffering=1, encoding="utf-8", errors="backslashreplace")
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
os.dup2(1, 2)

import ctypes  # noqa: E402
import math  # noqa: E402
import platform  # noqa: E402
import shlex  # noqa: E402
import tempfile  # noqa: E402
import threading  # noqa: E402
import time  # noqa: E402
from collections import defaultdict  # noqa: E402
from concurrent.futures import ThreadPoolExecutor  # noqa: E402
from pathlib import Path  # noqa: E402


class Unneeded:
    """Hides from MLflow, for the time of its import, what it does without where it is not installed, as mlflow-skinny's users know
    it: a third of that time. Nothing here has a use for it. A plugin of MLflow's that is imported meanwhile finds it, and so does
    what it imports."""

    names = ("numpy", "pandas", "pyarrow")

    @classmethod
    def find_spec(cls, name, _path=None, _target=None):
        if name in cls.names and cls.only_mlflow_asks():
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    @staticmethod
    def only_mlflow_asks():
        frame = sys._getframe(2)
        while (module := frame.f_globals.get("__name__", "")) != "__main__":
            if module.partition(".")[0] not in ("importlib", "mlflow"):
                return False
            frame = frame.f_back
        return True


sys.meta_path.insert(0, Unneeded)

try:
    import mlflow  # noqa: E402
except ModuleNotFoundError as error:
    if error.name not in Unneeded.names:
        raise
    # An MLflow that does not do without.
    Unneeded.names = ()
    import mlflow  # noqa: E402
from mlflow.entities import LoggedModelStatus, Param, RunTag  # noqa: E402
from mlflow.exceptions import MlflowException  # noqa: E402
from mlflow.projects.backend.local import LocalBackend  # noqa: E402
from mlflow.projects.utils import load_project  # noqa: E402

sys.meta_path.remove(Unneeded)

POINTS_KEPT = 1000
PAGE = 1000
IDS_IN_A_FILTER = 100
# Between two looks at the metrics of a running program, in seconds.
FIRST_PAUSE = 1
USUAL_PAUSE = 5
LONGEST_PAUSE = 60

client = None
speaking = threading.Lock()
program = None
unfinished = None


def begin(environment, folder):
    """The variables and the working folder of the job. What was imported may be older than the job is."""
    global client
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    tempfile.tempdir = None
    os.chdir(folder)
    client = mlflow.MlflowClient()


def download_object(uri, file):
    """Brings one object of S3 to a file. MLflow would list first, for which a job's role may have no right."""
    import boto3

    bucket, _, key = uri.removeprefix("s3://").partition("/")
    boto3.client("s3").download_file(bucket, key, file)


def create_run(experiment_id, experiment_name, run_id, run_name, tags):
    """Makes the run, or takes up the one that is given."""
    global unfinished
    if run_id:
        client.update_run(run_id, status="RUNNING", name=run_name)
        client.log_batch(run_id, tags=[RunTag(key, value) for key, value in tags.items()])
        run = client.get_run(run_id)
        experiment = client.get_experiment(run.info.experiment_id)
    else:
        experiment = find_experiment(experiment_id, experiment_name)
        run = client.create_run(experiment.experiment_id, tags=tags, run_name=run_name)
    unfinished = run.info.run_id
    return {
        "id": run.info.run_id,
        "experimentId": run.info.experiment_id,
        "experimentName": experiment.name,
        "name": run.info.run_name,
        "trackingUri": mlflow.get_tracking_uri(),
        "artifactUri": run.info.artifact_uri,
        "status": run.info.status,
        "python": platform.python_version(),
    }


def find_experiment(experiment_id, name):
    if not name:
        return client.get_experiment(experiment_id or "0")
    found = client.get_experiment_by_name(name)
    if not found:
        try:
            return client.get_experiment(client.create_experiment(name))
        except MlflowException as error:  # another job was faster
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            found = client.get_experiment_by_name(name)
    if not found or found.lifecycle_stage != "active":
        raise MlflowException.invalid_parameter_value(
            f'The experiment "{name}" was deleted. Restore it, or name another one.'
        )
    return found


def start_program(project, entry_point, parameters, storage_dir, environment, run_id, experiment_id):
    """Starts the entry point in a process group of its own, whose id is this process's: a group is inherited, so this
    process makes one, starts the program in it, and goes back."""
    global program, interruptible
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(project)
    runtime_group = os.getpgrp()
    os.setpgrp()
    if sys.platform == "linux":
        adopt_orphans()
    interruptible = True
    try:
        program = LocalBackend().run(
            project,
            entry_point,
            parameters,
            None,
            {
                "ENV_MANAGER": "local",
                "SYNCHRONOUS": True,
                "DOCKER_ARGS": {},
                "STORAGE_DIR": storage_dir,
                "build_image": False,
                "docker_auth": None,
                "_mlflow_local_backend_run_id": run_id,
            },
            mlflow.get_tracking_uri(),
            experiment_id,
        ).command_proc
    finally:
        interruptible = False
        os.setpgid(0, runtime_group)


def wait_for_program(run_id):
    """The exit code; -n where signal n ended the program. Then the output ends, too, as soon as nobody else holds it."""
    ended = threading.Event()
    threading.Thread(target=tell_metrics, args=(run_id, ended), daemon=True).start()
    if sys.platform == "linux":
        reap_until_program_ends()
    code = program.wait()
    with speaking:
        ended.set()
    os.dup2(0, 1)
    os.dup2(0, 2)
    return code


def adopt_orphans():
    """Makes the program's orphans children of this process. They would come to process 1, which in a container is node:
    that never asks how they ended, and each would stay a zombie."""
    set_child_subreaper = 36
    ctypes.CDLL(None).prctl(set_child_subreaper, 1, 0, 0, 0)


def reap_until_program_ends():
    """Asks after every child but the program, which is left for `program.wait`."""
    while (ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT).si_pid) != program.pid:
        os.waitpid(ended, 0)


def tell_metrics(run_id, ended):
    """Tells the run's last metrics every few seconds, where they have changed. A server that is slow is asked less often;
    one that cannot be reached costs the job nothing."""
    told = {}
    pause = FIRST_PAUSE
    while not ended.wait(pause):
        begun = time.monotonic()
        with contextlib.suppress(Exception):
            metrics = numbers(client.get_run(run_id).data.metrics)
            with speaking:
                if metrics != told and not ended.is_set():
                    print(json.dumps({"metrics": metrics}), file=answers, flush=True)
                    told = metrics
        took = time.monotonic() - begun
        pause = min(max(min(2 * pause, USUAL_PAUSE), 10 * took), LONGEST_PAUSE)


def finish_run(run_id, status, project, entry_point, parameters, tags, folder):
    """Ends the run and gathers what it and its child runs logged into `folder`."""
    global unfinished
    problems = []
    with noted(problems, "Parameters and tags were not logged"):
        missing = missing_parameters(run_id, project, entry_point, parameters) if program else []
        client.log_batch(run_id, params=missing, tags=[RunTag(key, value) for key, value in tags.items()])
    client.set_terminated(run_id, status)
    unfinished = None
    run = client.get_run(run_id)
    children = []
    models = []
    # While the server looks for child runs, it can send what the run itself has.
    with ThreadPoolExecutor(1) as thread:
        looking = thread.submit(child_runs, run)
        models += fetch_run_artifacts(run, run_id, folder, problems)
        with noted(problems, "Child runs were not found"):
            children = looking.result()
    for each in children:
        models += fetch_run_artifacts(each, run_id, folder, problems)
    with noted(problems, "Logged models were not found"):
        for model in logged_models([run, *children]):
            owner = next(each for each in [run, *children] if each.info.run_id == model.source_run_id)
            with noted(problems, f'The model "{model.name}" ({model.model_id}) was not fetched'):
                models.append(fetch_model(model, artifacts_folder(folder, run_id, owner)))
    history = {}
    with noted(problems, "The metrics' history was not fetched"):
        history = metric_history(run)
    return {
        "status": run.info.status,
        "metrics": numbers(run.data.metrics),
        "metricHistory": history,
        "params": run.data.params,
        "tags": run.data.tags,
        "childRuns": [describe_child(child) for child in children],
        "models": [{**model, "path": os.path.relpath(model["path"], folder)} for model in models],
        "problems": problems,
    }


def fetch_run_artifacts(run, root_id, folder, problems):
    with noted(problems, f"Artifacts of run {run.info.run_id} were not fetched"):
        return fetch_artifacts(run.info.run_id, artifacts_folder(folder, root_id, run))
    return []


@contextlib.contextmanager
def noted(problems, what):
    """One thing that cannot be had does not cost the others."""
    try:
        yield
    except Exception as error:
        problems.append(f"{what}: {type(error).__name__}: {error}")


def missing_parameters(run_id, project, entry_point, parameters):
    """Parameters, defaults included, that the program has not logged. They are logged after it: had `1e-5` been logged
    before, its own log_param(1e-05) would be refused."""
    declared, extra = load_project(project).get_entry_point(entry_point).compute_parameters(parameters, None)
    logged = client.get_run(run_id).data.params
    return [
        Param(key, "".join(shlex.split(value)))
        for key, value in {**declared, **extra}.items()
        if key not in logged
    ]


def child_runs(run):
    """All descendants by the tag mlflow.parentRunId, in whichever experiment, parents before their children."""
    experiments = [each.experiment_id for each in pages(lambda token: client.search_experiments(max_results=PAGE, page_token=token))]
    filter_string = f"attributes.start_time >= {run.info.start_time} AND tags.`mlflow.parentRunId` != ''"
    by_parent = defaultdict(list)
    for each in pages(lambda token: client.search_runs(experiments, filter_string, 1, PAGE, page_token=token)):
        by_parent[each.data.tags["mlflow.parentRunId"]].append(each)
    found = []
    parents = [run]
    while parents:
        parents = [child for parent in parents for child in by_parent.pop(parent.info.run_id, [])]
        found += parents
    return found


def logged_models(runs):
    """The models that were logged whole, newest first; a server older than MLflow 3 knows none."""
    experiments = list({run.info.experiment_id for run in runs})
    found = []
    for start in range(0, len(runs), IDS_IN_A_FILTER):
        ids = ", ".join(f"'{run.info.run_id}'" for run in runs[start : start + IDS_IN_A_FILTER])
        try:
            found += pages(
                lambda token: client.search_logged_models(
                    experiments, f"source_run_id IN ({ids})", max_results=100, page_token=token
                )
            )
        except MlflowException as error:
            if error.error_code != "ENDPOINT_NOT_FOUND":
                raise
    ready = [model for model in found if model.status == LoggedModelStatus.READY]
    return sorted(ready, key=lambda model: model.creation_timestamp, reverse=True)


def pages(search):
    """All items of a paged search."""
    token = None
    while True:
        page = search(token)
        yield from page
        token = page.token
        if not token:
            return


def artifacts_folder(folder, root_id, run):
    place = Path(folder, "mlflow_run_artifacts")
    return place if run.info.run_id == root_id else place / "child_runs" / run.info.run_id


def fetch_artifacts(run_id, place):
    """Fetches the run's artifacts; answers the models among them (an MLflow before 3 logs them there)."""
    artifacts = client.list_artifacts(run_id)
    if artifacts:
        place.mkdir(parents=True, exist_ok=True)
    for artifact in artifacts:
        client.download_artifacts(run_id, artifact.path, str(place))
    return [
        {
            "name": file.parent.relative_to(place).as_posix(),
            "modelId": None,
            "runId": run_id,
            "path": str(file.parent),
        }
        for artifact in artifacts
        for file in sorted((place / artifact.path).rglob("MLmodel"))
    ]


def fetch_model(model, place):
    """Fetches a logged model to the folder of its name; where that is taken (models come newest first), its id is added."""
    place.mkdir(parents=True, exist_ok=True)
    target = place / model.name
    if target.exists():
        target = place / f"{model.name}-{model.model_id}"
    with tempfile.TemporaryDirectory(dir=place) as temporary:
        fetched = mlflow.artifacts.download_artifacts(artifact_uri=model.artifact_location, dst_path=temporary)
        os.rename(fetched, target)
    return {"name": model.name, "modelId": model.model_id, "runId": model.source_run_id, "path": str(target)}


def metric_history(run):
    with ThreadPoolExecutor(8) as threads:
        histories = threads.map(lambda key: client.get_metric_history(run.info.run_id, key), run.data.metrics)
        return {key: last_points(history) for key, history in zip(run.data.metrics, histories)}


def last_points(history):
    points = sorted(history, key=lambda point: (point.timestamp, point.step))[-POINTS_KEPT:]
    return [{"value": number(point.value), "step": point.step, "timestamp": point.timestamp} for point in points]


def describe_child(run):
    return {
        "id": run.info.run_id,
        "parentId": run.data.tags["mlflow.parentRunId"],
        "name": run.info.run_name,
        "status": run.info.status,
        "entryPoint": run.data.tags.get("mlflow.project.entryPoint"),
        "metrics": numbers(run.data.metrics),
        "params": run.data.params,
    }


def numbers(metrics):
    return {key: number(value) for key, value in metrics.items()}


def number(value):
    """JSON has no names for these."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


CALLS = {each.__name__: each for each in (begin, download_object, create_run, start_program, wait_for_program, finish_run)}


def answer(call, arguments):
    try:
        return {"result": CALLS[call](**arguments)}
    except Exception as error:
        # Without a client there is nothing to go on with; the last words tell why.
        if client is None:
            raise
        return {"error": {"type": type(error).__name__, "code": error_code(error), "message": str(error)}}


def error_code(error):
    """MLflow's own, or that of an AWS service."""
    response = getattr(error, "response", None)
    service = response.get("Error", {}) if isinstance(response, dict) else {}
    return getattr(error, "error_code", None) or service.get("Code")


for line in calls:
    print(json.dumps(answer(**json.loads(line))), file=answers, flush=True)

# The runtime was stopped, or is gone, before it could end the run.
if unfinished:
    client.set_terminated(unfinished, "KILLED")

# Taking down the interpreter with all that MLflow has imported would take longer than a call, and nothing is left to do.
sys.stdout.flush()
os._exit(0)
