"""Kills, a full disk, a second run, an edit meanwhile: nothing is lost, nothing half done counts (points 6, 7, 8)."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.support import engines
from tests.support.commands import call, environment
from tests.support.engines import ENGINES, nothing_to_do, results
from tests.support.kills import (
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
    engine: str, other: str, kills: list[Kill], project: Path, whole: dict[str, str]
) -> None:
    went_on = []
    for kill in kills:
        struck, before = interrupt(project, engine, kill)
        assert struck
        went_on += before
    assert not (project / "results/finetune/prototypical/seed1").exists()
    went_on += finish(project, other, whole)
    assert not lost(kills, went_on)


def test_a_second_run_in_the_same_folder_is_told_so_in_one_line(project: Path) -> None:
    first = start(project, "snakemake")
    until(lambda: steps_saved(project, "pretrain") > 5, "the first run's training")
    strike(first, Kill("trainer", signal.SIGSTOP, "pretrain", 5))  # so that it is still there in a while
    second = call(project, *ENGINES["snakemake"], code=1)
    plan = call(project, "snakemake", "-n", "all", code=1)
    os.killpg(first.pid, KILL)
    first.wait()
    until(lambda: not session(first.pid), "the end of the first run")
    for said in (second.stderr, plan.stderr):
        assert said.splitlines()[-1].startswith("another run is under way in this folder")
        assert "Traceback" not in said


def test_a_trainer_that_outlives_its_engine_keeps_others_away(project: Path, whole: dict[str, str]) -> None:
    first = start(project, "dvc")
    until(lambda: steps_saved(project, "pretrain") > 5, "training")
    strike(first, Kill("trainer", signal.SIGSTOP, "pretrain", 5))  # so that it is still there in a while
    first.kill()
    first.wait()
    refused = engines.run(project, "dvc", fails=True)
    assert "another process is training it" in refused.output
    os.killpg(first.pid, signal.SIGCONT)
    until(lambda: not session(first.pid), "the end of the trainer")
    finish(project, "dvc", whole)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_source_edited_while_its_stage_runs_fails_the_stage(engine: str, project: Path) -> None:
    running = start(project, engine)
    until(lambda: steps_saved(project, "pretrain") > 5, "training")
    with (project / "src/protomtl/training/loop.py").open("a") as file:
        file.write("# edited\n")
    assert running.wait(PATIENCE) != 0
    assert "src/protomtl/training/loop.py: changed while pretrain ran" in (project / "killed.log").read_text()
    assert "pretrain@prototypical-1" in call(project, "dvc", "status").stdout
    after = engines.run(project, engine)
    assert "pretrain@prototypical-1" in after.ran
    assert "goes on from" not in after.output  # the state of the other code does not count
    nothing_to_do(project)


def mounts_are_allowed() -> bool:
    command = ["unshare", "-Urm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return bool(shutil.which("unshare")) and subprocess.run(command, capture_output=True, check=False).returncode == 0


SMALL_DISK = """
set -e
mount -t tmpfs -o size=64m tmpfs "$2"
cp -a "$1" "$2/p"
cd "$2/p"
free=$(df --output=avail -k . | tail -1)
fallocate -l $(( (free - $3) * 1024 )) ballast
if $4 > full.log 2>&1; then echo "it was not full" >> full.log; fi
rm ballast
$4 > after.log 2>&1
dvc status > status.log
cp -r full.log after.log status.log results "$5"
"""


@pytest.mark.skipif(not mounts_are_allowed(), reason="no small disk without the right to mount one")
@pytest.mark.parametrize(("engine", "kilobytes"), [("snakemake", 300), ("dvc", 700)])
def test_a_full_disk_is_a_clear_error_and_loses_nothing(
    engine: str, kilobytes: int, untrained: Path, whole: dict[str, str], tmp_path: Path
) -> None:
    disk, out = tmp_path / "disk", tmp_path / "out"
    disk.mkdir()
    out.mkdir()
    script = ["bash", "-c", SMALL_DISK, "sh", untrained, disk, str(kilobytes), " ".join(ENGINES[engine]), out]
    run = subprocess.run(["unshare", "-Urm", *script], env=environment(), capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert "o space left on" in (out / "full.log").read_text()
    assert results(out) == whole
    assert "up to date" in (out / "status.log").read_text()
