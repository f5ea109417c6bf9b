"""Kills, a full disk, a second run, an edit meanwhile: nothing is lost, nothing half done counts (points 6, 7, 8)."""

import os
import shutil
import signal
from pathlib import Path

import pytest

from protomtl.core.files import digest_folder
from tests.support import engines
from tests.support.commands import call
from tests.support.disks import mounts_are_allowed, on_a_full_disk, read_only
from tests.support.engines import ENGINES, command, goal, nothing_to_do
from tests.support.kills import (
    EVALUATED,
    PATIENCE,
    Kill,
    finish,
    interrupt,
    lost,
    session,
    start,
    steps_saved,
    strike,
    until,
)

INT, KILL = signal.SIGINT, signal.SIGKILL


@pytest.fixture
def project(untrained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(untrained, tmp_path / "p", symlinks=True))


@pytest.mark.parametrize(
    ("engine", "other", "kills"),
    [
        ("snakemake", "dvc", [Kill("group", INT, "pretrain", 20), Kill("group", KILL, "finetune", 60)]),
        ("dvc", "snakemake", [Kill("engine", KILL, "pretrain", 30), Kill("trainer", INT, "finetune", 40)]),
    ],
)
def test_killed_runs_go_on_and_give_the_same_bytes(
    engine: str, other: str, kills: list[Kill], project: Path, evaluated: dict[str, str]
) -> None:
    """Of trainings and evaluation; `make soak` goes on to the end of the pipeline."""
    went_on = []
    for kill in kills:
        struck, before = interrupt(project, engine, kill, EVALUATED)
        assert struck
        went_on += before
    assert not (project / "results/finetune/prototypical/seed1").exists()
    went_on += finish(project, other, evaluated, EVALUATED)
    assert not lost(kills, went_on)


def test_a_second_run_in_the_same_folder_is_told_so_in_one_line(project: Path) -> None:
    first = start(project, "snakemake")
    until(lambda: steps_saved(project, "pretrain") > 5, "the first run's training")
    strike(first, Kill("trainer", signal.SIGSTOP, "pretrain", 5))  # so that it is still there in a while
    second = call(project, *command("snakemake"), code=1)
    plan = call(project, "snakemake", "-n", "all", code=1)
    os.killpg(first.pid, KILL)
    first.wait()
    until(lambda: not session(first.pid), "the end of the first run")
    for said in (second.stderr, plan.stderr):
        assert said.splitlines()[-1].startswith("another run is under way in this folder")
        assert "Traceback" not in said


def test_a_trainer_that_outlives_its_engine_keeps_others_away(project: Path, evaluated: dict[str, str]) -> None:
    first = start(project, "dvc")
    until(lambda: steps_saved(project, "pretrain") > 5, "training")
    strike(first, Kill("trainer", signal.SIGSTOP, "pretrain", 5))  # so that it is still there in a while
    first.kill()
    first.wait()
    refused = engines.run(project, "dvc", fails=True)
    assert "another process is training it" in refused.output
    os.killpg(first.pid, signal.SIGCONT)
    until(lambda: not session(first.pid), "the end of the trainer")
    finish(project, "dvc", evaluated, EVALUATED)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_source_edited_while_its_stage_runs_fails_the_stage(engine: str, project: Path) -> None:
    pretrained = goal("pretrain@prototypical-1")
    running = start(project, engine, pretrained)
    until(lambda: steps_saved(project, "pretrain") > 5, "training")
    with (project / "src/protomtl/training/loop.py").open("a") as file:
        file.write("# edited\n")
    assert running.wait(PATIENCE) != 0
    assert "src/protomtl/training/loop.py: changed while pretrain ran" in (project / "killed.log").read_text()
    assert "pretrain@prototypical-1" in call(project, "dvc", "status").stdout
    after = engines.run(project, engine, to=pretrained)
    assert "pretrain@prototypical-1" in after.ran
    assert "goes on from" not in after.output  # the state of the other code does not count
    nothing_to_do(project, pretrained)


mounted = pytest.mark.skipif(not mounts_are_allowed(), reason="no disk of one's own without the right to mount one")


@mounted
@pytest.mark.parametrize(("engine", "kilobytes"), [("snakemake", 300), ("dvc", 700)])
def test_a_full_disk_is_a_clear_error_and_loses_nothing(
    engine: str, kilobytes: int, project: Path, evaluated: dict[str, str]
) -> None:
    assert "o space left on" in on_a_full_disk(project, kilobytes, *command(engine, EVALUATED))
    finish(project, engine, evaluated, EVALUATED)


@mounted
@pytest.mark.parametrize("engine", ENGINES)
def test_a_read_only_disk_is_a_clear_error_and_changes_nothing(engine: str, project: Path) -> None:
    before = digest_folder(project)
    said = read_only(project, *command(engine))
    assert "Read-only file system" in said and "it could be written" not in said
    assert "Traceback" not in said and 'File "' not in said and len(said.splitlines()) <= 4, said
    assert digest_folder(project) == before
