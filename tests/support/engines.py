"""Running the pipeline by either engine, and what there is to ask afterwards."""

import re
from pathlib import Path
from typing import NamedTuple

from protomtl.core import runner
from protomtl.core.files import digest_folder
from tests.support.commands import call

METHODS = ["cosine", "prototypical"]  # one without and one with pre-training
ENGINES = {"snakemake": ("snakemake", "--cores", "4", "all"), "dvc": ("dvc", "repro")}
SOON = ("--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "1")
COMMANDS = {
    **ENGINES,
    "slurm": ("snakemake", "--workflow-profile", "profiles/slurm", *SOON, "all"),
}  # outside/cluster
PER_RUN = tuple(step for step in runner.steps() if runner.per_run(step))
ONCE = set(runner.steps()) - set(PER_RUN)


class Run(NamedTuple):
    ran: set[str]  # stages whose command was run; what DVC restores is not among them
    output: str


def stages(*steps: str, methods: list[str] | None = None) -> set[str]:
    """The stages of some steps, those per run for each method."""
    return {f"{step}@{m}-1" for step in steps if step in PER_RUN for m in methods or METHODS} | (set(steps) & ONCE)


def run(project: Path, engine: str, *more: str, fails: bool = False) -> Run:
    result = call(project, *COMMANDS[engine], *more, code=None)
    output = result.stdout + result.stderr
    assert (result.returncode != 0) == fails, output
    return Run(set(re.findall(r"Running stage '([^']+)'", output)), output)


def nothing_to_do(project: Path) -> None:
    """Both engines say so, and neither runs or restores anything."""
    assert "Data and pipelines are up to date" in call(project, "dvc", "status").stdout
    plan = call(project, "snakemake", "-n", "all")
    assert "Nothing to be done" in plan.stdout + plan.stderr, plan.stdout
    assert not re.search("Running stage|is cached|Pulling", call(project, "dvc", "repro").stdout)


def results(project: Path) -> dict[str, str]:
    """Digest of every result; times and the summary, which shows them, aside."""
    found = digest_folder(project / "results")
    return {name: digest for name, digest in found.items() if not name.startswith(("timing/", "summary/"))}
