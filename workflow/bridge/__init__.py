"""Let Snakemake schedule what DVC describes: dvc.yaml is the only hand-written graph.

Snakemake compares times, which every checkout changes; DVC compares content. So DVC decides what is
stale, and each job that Snakemake starts is `dvc repro --single-item STAGE` (job.py). This package knows nothing
of the project that it serves; docs/concepts/bridge.md says how another project can take it.
"""

from bridge.call import check_call, fair_threads, look_when_a_job_ends
from bridge.graph import Graph
from bridge.left import tell_time_left

__all__ = ["Graph", "check_call", "fair_threads", "look_when_a_job_ends", "tell_time_left"]
