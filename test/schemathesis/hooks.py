"""What schemathesis cannot make up by itself: archives with a project in them."""

import io
import tarfile
import zipfile

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
