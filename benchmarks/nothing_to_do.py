"""How long `snakemake -n all` and `dvc status` take when nothing is to do: 20 methods × 5 seeds, 1 GB of data.

    python -m benchmarks.nothing_to_do

The results are real but tiny: every step is run, in this process, on a random encoder of 32 dimensions.
"""

import contextlib
import io
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks import options
from protomtl import params
from protomtl.core import runner
from tests.support import ROOT
from tests.support.commands import call, environment
from tests.support.makers import clone, make_backbone, tiny

METHODS, SEEDS, GIGABYTE, REPEATS = 20, 5, 10**9, 5
COMMANDS = (("snakemake", "-n", "all"), ("dvc", "status"))


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        project = finished(Path(scratch))
        stages = (project / "dvc.lock").read_text().count("\n    cmd:")
        print(f"{stages} stages, dvc.lock {(project / 'dvc.lock').stat().st_size / 1e6:.1f} MB")
        for command in COMMANDS:
            seconds = [timed(project, command) for _ in range(REPEATS)]
            print(f"{' '.join(command):20} median {statistics.median(seconds):.1f} s, slowest {max(seconds):.1f} s")


def finished(folder: Path) -> Path:
    """A project in which everything was run and recorded."""
    names = params.load(ROOT / "params.yaml").methods
    more = [f"method{i}" for i in range(METHODS - len(names))]
    few = {"epochs": 1, "steps_per_epoch": 1, "batch_size": 8}
    blocks = {n: {"label": n, "source": "benchmark", "pretrain": {}, "finetune": {"lr": 1e-4}} for n in more}
    names += more
    patch = tiny(make_backbone(folder / "backbone"), methods=names, seeds=list(range(1, SEEDS + 1)))
    project = clone(folder / "p", {**patch, "pretrain": few, "finetune": few, "method": blocks})
    (project / "data/own/large.bin").write_bytes(os.urandom(GIGABYTE))
    os.chdir(project)
    with contextlib.redirect_stdout(io.StringIO()):
        for step in runner.steps():
            for run in [(n, s) for n in names for s in range(1, SEEDS + 1)] if runner.per_run(step) else [()]:
                runner.run(step, *run)
    call(project, "dvc", "commit", "-q", "-f")
    return project


def timed(project: Path, command: tuple[str, ...]) -> float:
    begin = time.monotonic()
    run = subprocess.run(command, cwd=project, env=environment(), capture_output=True, text=True, check=True)
    said = run.stdout + run.stderr
    assert "Nothing to be done" in said or "up to date" in said, said
    return time.monotonic() - begin


if __name__ == "__main__":
    options.parser(__spec__.name, __doc__).parse_args()
    with options.in_words():
        main()
