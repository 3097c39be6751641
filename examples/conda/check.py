"""Ends with an error where the table has gaps."""

import sys

import numpy as np

table = np.loadtxt(sys.argv[1], delimiter=",", skiprows=1)
if not np.isfinite(table).all():
    raise ValueError(f"{sys.argv[1]} has gaps")
print(f"{len(table)} rows, no gaps")
