"""The specification, in tiers: see `markers` in pyproject.toml. What is set here holds before anything is imported."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # many processes on few cores: threads that wait for each other cost most
os.environ["NUMBA_DISABLE_JIT"] = "1"  # UMAP of six points: half a second in Python, 15 to compile, in each process
