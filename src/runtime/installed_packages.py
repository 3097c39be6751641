"""Prints what is installed where this is run, `{"python": "3.11.9", "packages": [["numpy", "2.3.1"], ...]}`.

As importlib.metadata finds it, which old Pythons have not, and which reads every file to its end: that takes ten times as
long.
"""

import json
import os
import sys

DESCRIPTIONS = {".dist-info": "METADATA", ".egg-info": "PKG-INFO", "EGG-INFO": "PKG-INFO"}


def descriptions(folder):
    try:
        names = sorted(os.listdir(folder or "."))
    except OSError:  # a zip file, or nothing
        return
    for name in names:
        for ending, description in DESCRIPTIONS.items():
            if name.endswith(ending):
                path = os.path.join(folder, name)
                yield os.path.join(path, description) if os.path.isdir(path) else path


def head(file):
    """The fields before the description, which is long."""
    fields = {}
    try:
        with open(file, "rb") as lines:
            for line in lines:
                if not line.strip():
                    break
                field, _, value = line.decode("utf-8", "replace").partition(":")
                fields.setdefault(field, value.strip())
    except OSError:
        pass
    return fields


# What is first on the path is what an import finds.
packages = {}
for folder in sys.path:
    for file in descriptions(folder):
        fields = head(file)
        if fields.get("Name") and fields.get("Version"):
            packages.setdefault(fields["Name"], fields["Version"])
found = sorted(packages.items(), key=lambda package: package[0].lower())
print(json.dumps({"python": sys.version.split()[0], "packages": found}))
