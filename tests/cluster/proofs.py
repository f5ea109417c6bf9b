"""The pipeline as jobs of a SLURM of two nodes: the same bytes, also when jobs and nodes are lost (tests/cluster/run)."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from .. import engines
from ..commands import call
from ..conftest import clone, tiny
from ..engines import METHODS, nothing_to_do, results
from ..kills import PATIENCE, STEPS, Resumed, one_method, resumed, start, steps_saved, uninterrupted, until

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


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, tiny_backbone: Path) -> Path:
    return one_method(tmp_path_factory.mktemp("kills") / "p", tiny_backbone)


@pytest.fixture(scope="module")
def whole(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return uninterrupted(prepared, tmp_path_factory.mktemp("whole") / "p")


@pytest.fixture
def project(prepared: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(prepared, tmp_path / "p", symlinks=True))


def test_a_run_on_the_cluster_gives_the_bytes_of_a_local_one(
    finished: Path, tiny_backbone: Path, tmp_path: Path
) -> None:
    before = set(jobs())
    project = clone(tmp_path / "p", tiny(tiny_backbone, methods=METHODS))
    engines.run(project, "slurm")
    ours = [job for job in jobs() if job not in before]
    groups = ["data_backbone_download_prepare_tokenize", "end_ensemble_figures_report_tables", "embed", "export"]
    runs = [f"{step}_wildcards_{method}_1" for step in engines.PER_RUN for method in METHODS]
    assert sorted(job.rule for job in ours) == sorted(f"rule_{name}" for name in groups + runs)
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
    return resumed((project / f"logs/{phase}/prototypical-seed1.log").read_text())


def node_of(process: psutil.Process) -> str:
    try:
        if process.name() == "slurmstepd":
            return next(filter(None, map(node_of, process.children())), "")
        command = process.cmdline()
        return command[2] if command[:2] == ["slurmd", "-N"] else process.environ().get("SLURMD_NODENAME", "")
    except psutil.Error:
        return ""


def cut_power(node: str) -> None:
    """Kill a node's daemon first, then those of its job steps, then all that these run: nobody is left to tell."""
    order = ["slurmd", "slurmstepd"]
    victims = [process for process in psutil.process_iter() if node_of(process) == node]
    names = {victim: victim.name() for victim in victims}
    assert set(order) < set(names.values())
    for victim in sorted(victims, key=lambda v: order.index(names[v]) if names[v] in order else len(order)):
        with suppress(psutil.NoSuchProcess):
            victim.kill()


@contextmanager
def repaired(node: str) -> Iterator[None]:
    """Whatever happens to it here, the node is up again afterwards."""
    try:
        yield
    finally:
        call(Path.cwd(), "slurmd", "-N", node)
        until(lambda: set(call(Path.cwd(), "sinfo", "-hNo", "%N %T").stdout.split()) == {*NODES, "idle"}, "both nodes")


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


def test_a_training_whose_node_dies_goes_on_on_the_other(project: Path, whole: dict[str, str]) -> None:
    running = start(project, "slurm")
    first = training(project, "pretrain")
    with repaired(first.node):
        cut_power(first.node)
        saved = steps_saved(project, "pretrain")
        assert 20 <= saved < STEPS
        until(lambda: job(first.number).node == (NODES - {first.node}).pop(), "SLURM to move the job")
        assert running.wait(2 * PATIENCE) == 0, (project / "killed.log").read_text()
    assert went_on(project, "pretrain") == [Resumed("pretrain", saved)]
    assert results(project) == whole
    nothing_to_do(project)
