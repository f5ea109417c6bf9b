"""What the engines themselves cost in `make all`, in processor seconds: planning, jobs, starting processes.

    python -m benchmarks.overhead FOLDER

Runs the whole pipeline in FOLDER, a fresh clone, then measures the parts in the finished one.
"""

import subprocess
import sys
from pathlib import Path

from benchmarks import measure, options
from benchmarks.measure import RESULTS
from protomtl.core import runner
from protomtl.core.files import write_json
from tests.support.imports import name_of

IDLE = ("pretrain", "--method", "baseline", "--seed", "1")  # a step that has nothing to do
# What a process of a step imports beside its module; pre-training in most methods only writes a note.
LATER = {"tokens": "; from transformers import AutoTokenizer", "embed": "; import umap"}
JOB = ("workflow/bridge/job.py", "repro", "--single-item", "--force")


def main(project: Path) -> None:
    subprocess.run(["git", "clone", "-q", str(measure.ROOT), str(project)], check=True)
    wall, whole = spent(project, "snakemake", "--cores", "4", "all")
    stages = [line.strip(" :\n") for line in (project / "dvc.lock").open() if line[:2] == "  " and line[2] != " "]
    plan = spent(project, "snakemake", "-n", "all")[1]
    whole_job = spent(project, sys.executable, *JOB, f"pretrain@{IDLE[2]}-{IDLE[4]}")[1]
    job = whole_job - spent(project, sys.executable, "-m", "protomtl", *IDLE)[1]
    imports = sum(imported(project, stage.partition("@")[0]) for stage in stages)
    found = {"seconds": wall, "processor": whole, "plan": plan, "jobs": len(stages) * job, "imports": imports}
    found["share"] = (plan + len(stages) * job + imports) / whole
    print({key: round(value, 3) for key, value in found.items()}, f"{len(stages)} jobs of {job:.2f} s")
    write_json(RESULTS / "overhead.json", found)


_seconds: dict[str, float] = {}


def imported(project: Path, step: str) -> float:
    """Processor seconds that a process of this step needs before it begins to work."""
    if step not in _seconds:
        code = f"import protomtl.{name_of(runner.source(step))}{LATER.get(step, '')}"
        _seconds[step] = min(spent(project, sys.executable, "-c", code)[1] for _ in range(3))
    return _seconds[step]


def spent(project: Path, *command: str) -> tuple[float, float]:
    """(wall seconds, processor seconds) of a command and all that it starts."""
    figures, _ = measure.command(*command, folder=project)
    return figures["seconds"], figures["processor"]


if __name__ == "__main__":
    parser = options.parser(__spec__.name, __doc__)
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="a new one")
    with options.in_words():
        main(parser.parse_args().folder.absolute())
