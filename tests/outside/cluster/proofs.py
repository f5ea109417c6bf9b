"""The pipeline as jobs of a SLURM of two nodes: the same bytes, also if jobs or nodes are lost (`run`, beside this)."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest
from ruamel.yaml import YAML

from tests.support import ROOT, engines
from tests.support.commands import call
from tests.support.engines import METHODS, nothing_to_do, results
from tests.support.kills import (
    PATIENCE,
    STEPS,
    Resumed,
    finish,
    resumed,
    start,
    steps_saved,
    until,
)
from tests.support.makers import clone, tiny

NODES = {"one", "two"}


class Job(NamedTuple):
    number: str
    state: str
    node: str
    rule: str  # the plugin's comment: what the job makes


def jobs(*states: str) -> list[Job]:
    """The jobs that SLURM knows, also those that have ended."""
    asked = ("--states", ",".join(states) or "all", "--format", "%i|%T|%N|%k")
    lines = call(Path.cwd(), "squeue", "--noheader", *asked).stdout.splitlines()
    return [Job(*line.split("|")) for line in lines]


def job(number: str) -> Job:
    return next(found for found in jobs() if found.number == number)


@pytest.fixture(autouse=True)
def both_nodes() -> None:
    """A node that died is up again after a while."""
    until(
        lambda: call(Path.cwd(), "sinfo", "--noheader", "--states", "idle", "--format", "%D").stdout == "2\n", "nodes"
    )


@pytest.fixture
def project(untrained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(untrained, tmp_path / "p", symlinks=True))


def submitted() -> Iterator[str]:
    """The jobs of a whole run, as the plugin names them: groups of the profile, steps by themselves, steps per run."""
    group = dict(word.split("=") for word in YAML(typ="safe").load(ROOT / "profiles/slurm/profile.yaml")["groups"])
    for name in {*group.values()}:
        yield "_".join(["rule", name, *sorted(step for step in group if group[step] == name)])
    yield from (f"rule_{step}" for step in engines.ONCE - {*group})
    yield from (f"rule_{step}_wildcards_{method}_1" for step in engines.PER_RUN for method in METHODS)


def test_a_run_on_the_cluster_gives_the_bytes_of_a_local_one(
    finished: Path, tiny_backbone: Path, tmp_path: Path
) -> None:
    before = set(jobs())
    project = clone(tmp_path / "p", tiny(tiny_backbone, methods=METHODS))
    engines.run(project, "slurm")
    ours = [job for job in jobs() if job not in before]
    assert sorted(job.rule for job in ours) == sorted(submitted())
    assert {job.state for job in ours} == {"COMPLETED"} and {job.node for job in ours} == NODES
    assert results(project) == results(finished)
    assert (project / "results/summary/table1.md").exists()
    nothing_to_do(project)


def training(project: Path, phase: str) -> Job:
    """The job that trains this phase, once it has saved a few steps."""
    until(lambda: steps_saved(project, phase) >= 20, f"step 20 of {phase}")
    return next(job for job in jobs("RUNNING") if job.rule.startswith(f"rule_{phase}_"))


def went_on(project: Path, phase: str) -> list[Resumed]:
    """From which step the last attempt at a phase went on."""
    return resumed((project / f"logs/{phase}/prototypical-1.log").read_text())


def cut_power(node: str) -> None:
    """Kill a node's daemon, and thereby all that runs on the node (tests/outside/cluster/run)."""
    daemon = next(process for process in psutil.process_iter() if process.cmdline() == ["slurmd", "-D", "-N", node])
    jobs_there = daemon.parent().children(recursive=True)
    assert "python" in " ".join(process.name() for process in jobs_there)
    daemon.kill()
    psutil.wait_procs(jobs_there, timeout=5)
    assert not any(process.is_running() for process in jobs_there)


def test_a_cancelled_training_is_submitted_again_and_goes_on(project: Path, whole: dict[str, str]) -> None:
    running = start(project, "slurm")
    first = training(project, "pretrain")
    call(project, "scancel", first.number)
    until(lambda: job(first.number).state == "CANCELLED", "the end of the job")
    saved = steps_saved(project, "pretrain")
    assert 20 <= saved < STEPS and not (project / "results/pretrain/prototypical/seed1").exists()
    assert running.wait(2 * PATIENCE) == 0, (project / "killed.log").read_text()
    assert went_on(project, "pretrain") == [Resumed("pretrain", saved)]
    assert [found.rule for found in jobs("CANCELLED")].count(first.rule) == 1
    assert results(project) == whole
    nothing_to_do(project)


def test_a_killed_command_is_repeated_when_its_jobs_are_cancelled(project: Path, whole: dict[str, str]) -> None:
    running = start(project, "slurm")
    first = training(project, "finetune")
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    assert first in jobs("RUNNING")  # and maybe `embed`: each would run beside the same job of the next command
    call(project, "scancel", *(left.number for left in jobs("RUNNING", "PENDING")))
    until(lambda: not jobs("RUNNING", "PENDING", "COMPLETING"), "the end of the jobs")
    saved = steps_saved(project, "finetune")
    assert 20 <= saved < STEPS
    finish(project, "slurm", whole)
    assert went_on(project, "finetune") == [Resumed("finetune", saved)]


def test_a_training_whose_node_dies_goes_on_on_the_other(project: Path, whole: dict[str, str]) -> None:
    running = start(project, "slurm")
    first = training(project, "pretrain")
    cut_power(first.node)
    saved = steps_saved(project, "pretrain")
    assert 20 <= saved < STEPS and not (project / "results/pretrain/prototypical/seed1").exists()
    until(lambda: {job(first.number).node} == NODES - {first.node}, "SLURM to move the job")
    assert running.wait(2 * PATIENCE) == 0, (project / "killed.log").read_text()
    assert went_on(project, "pretrain") == [Resumed("pretrain", saved)]
    assert results(project) == whole
    nothing_to_do(project)
