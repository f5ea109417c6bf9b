"""Running the pipeline by either engine, and what there is to ask before and afterwards."""

import json
import re
from pathlib import Path
from typing import NamedTuple

from protomtl.core import runner
from protomtl.core.files import digest_folder
from tests.support.commands import call

METHODS = ["cosine", "prototypical"]  # one without and one with pre-training
ENGINES = {"snakemake": ("snakemake", "--cores", "4"), "dvc": ("dvc", "repro")}
SOON = ("--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "1")
COMMANDS = {**ENGINES, "slurm": ("snakemake", "--workflow-profile", "profiles/slurm", *SOON)}  # outside/cluster
PER_RUN = tuple(step for step in runner.steps() if runner.per_run(step))
ONCE = set(runner.steps()) - set(PER_RUN)


class Goal(NamedTuple):
    """How far a run is to go: what Snakemake is asked for, and what DVC is."""

    path: str
    stage: tuple[str, ...]


WHOLE = Goal("all", ())


class Run(NamedTuple):
    ran: set[str]  # stages whose command was run; what DVC restores is not among them
    output: str


def stages(*steps: str, methods: list[str] | None = None) -> set[str]:
    """The stages of some steps, those per run for each method."""
    return {f"{step}@{m}-1" for step in steps if step in PER_RUN for m in methods or METHODS} | (set(steps) & ONCE)


def goal(stage: str) -> Goal:
    """Up to a stage that has one output or folder of results."""
    step, _, run = stage.partition("@")
    method, _, seed = run.rpartition("-")
    return Goal(f"results/{step}/{method}/seed{seed}" if run else f"data/{step}", (stage,))


def command(engine: str, to: Goal = WHOLE) -> tuple[str, ...]:
    """What a user types; options may follow."""
    return (*COMMANDS[engine], *(to.stage if engine == "dvc" else (to.path,)))


def run(project: Path, engine: str, *more: str, to: Goal = WHOLE, fails: bool = False) -> Run:
    result = call(project, *command(engine, to), *more, code=None)
    output = result.stdout + result.stderr
    assert (result.returncode != 0) == fails, output
    return Run(set(re.findall(r"Running stage '([^']+)'", output)), output)


def stale(project: Path) -> set[str]:
    """The stages that DVC calls out of date; what stands behind them is not among them."""
    return set(json.loads(call(project, "dvc", "status", "--json").stdout))


def planned(project: Path, *more: str) -> set[str]:
    """The stages that Snakemake would run, those behind the ones that are out of date included."""
    plan = call(project, "snakemake", "-n", "-p", "all", *more).stdout
    return set(re.findall(r"repro --single-item (?:--pull )?(\S+)", plan))


def nothing_to_do(project: Path, to: Goal = WHOLE) -> None:
    """Both engines say so."""
    up_to = ("--with-deps", *to.stage) if to.stage else ()
    assert "Data and pipelines are up to date" in call(project, "dvc", "status", *up_to).stdout
    plan = call(project, "snakemake", "-n", "--", to.path)
    assert "Nothing to be done" in plan.stdout + plan.stderr, plan.stdout


def nothing_is_done(project: Path) -> None:
    """They do as they say: nothing is run, restored or fetched."""
    nothing_to_do(project)
    for engine in ENGINES:
        assert not re.search("Running stage|is cached|Pulling", run(project, engine).output)


def results(project: Path) -> dict[str, str]:
    """Digest of every result; times and the summary, which shows them, aside."""
    found = digest_folder(project / "results")
    return {name: digest for name, digest in found.items() if not name.startswith(("timing/", "summary/"))}
