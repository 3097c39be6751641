"""Prints what is installed where this is run, `{"python": "3.11.9", "packages": [["numpy", "2.3.1"], ...]}`. Old Pythons
run it, too."""

import json
import platform

try:
    from importlib.metadata import distributions

    found = [(each.metadata["Name"], each.version) for each in distributions()]
except ImportError:  # before Python 3.8
    import pkg_resources

    found = [(each.project_name, each.version) for each in pkg_resources.working_set]

# What is first on the path is what an import finds.
packages = {}
for name, version in found:
    if name and version:
        packages.setdefault(name, version)
print(json.dumps({"python": platform.python_version(), "packages": sorted(packages.items(), key=lambda item: item[0].lower())}))
