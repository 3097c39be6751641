"""What schemathesis cannot make up by itself: archives with a project in them."""

import io
import os
import tarfile
import zipfile
import zlib

import schemathesis
from hypothesis import strategies as st

FILES = {
    "MLproject": (
        "name: fuzzed\n"
        "entry_points:\n"
        "  main:\n"
        "    parameters:\n"
        "      alpha: {type: float, default: 0.5}\n"
        "      label: {type: string, default: none}\n"
        "    command: 'echo {alpha} {label}'\n"
    ),
    "notes.txt": "kept\n",
}


def tar_gz() -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        for path, text in FILES.items():
            member = tarfile.TarInfo(path)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    return archive.getvalue()


def zipped() -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for path, text in FILES.items():
            file.writestr(path, text)
    return archive.getvalue()


schemathesis.openapi.format("binary", st.sampled_from([tar_gz(), zipped()]))


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    """Most requests are for the job and the project that are there; others are for ones that are not."""
    seeded = {"id": os.environ["SEEDED_JOB"], "digest": os.environ["SEEDED_PROJECT"]}
    for name in seeded.keys() & (path_parameters or {}).keys():
        if not_deleted(context) and zlib.crc32(str(path_parameters[name]).encode()) % 4:
            path_parameters[name] = seeded[name]
    return path_parameters


def not_deleted(context) -> bool:
    return context.operation.method != "delete"
