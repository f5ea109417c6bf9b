"""Two jobs never have one GPU; no GPU is needed to see it, only what CUDA_VISIBLE_DEVICES of the jobs says."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support import ROOT
from tests.support.commands import call, environment
from tests.support.engines import METHODS, PER_RUN
from tests.support.makers import Patch, clone, patch_params, tiny

CARDS = str(ROOT / "workflow/gpus.py")
# A job that notes when it begins and ends, and its cards.
JOB = (
    "import os, sys, time; note = open(sys.argv[1], 'a'); cards = os.environ.get('CUDA_VISIBLE_DEVICES', 'none'); "
    "note.write(f'begin {cards}\\n'); note.flush(); time.sleep(float(sys.argv[2])); note.write(f'end {cards}\\n')"
)


@pytest.fixture
def place(tmp_path: Path) -> dict[str, str]:
    """An environment with locks of its own and all cards to be seen."""
    return {k: v for k, v in environment().items() if k != "CUDA_VISIBLE_DEVICES"} | {"TMPDIR": str(tmp_path)}


def start(note: Path, place: dict[str, str], needed: int, cards: int, seconds: float = 0.5) -> subprocess.Popen[str]:
    command = [sys.executable, CARDS, str(needed), str(cards), sys.executable, "-c", JOB, str(note), str(seconds)]
    return subprocess.Popen(command, env=place, stderr=subprocess.PIPE, text=True)


def most_at_once(note: Path, cards: set[str]) -> int:
    """The largest number of jobs that ran at once; each had cards of its own, all of them among `cards`."""
    running: list[str] = []
    most = 0
    for line in note.read_text().splitlines():
        event, names = line.split()
        if event == "begin":
            running.append(names)
        else:
            running.remove(names)
        held = [name for names in running for name in names.split(",")]
        assert len(held) == len(set(held)) and set(held) <= cards, line
        most = max(most, len(running))
    assert not running
    return most


@pytest.mark.parametrize(("needed", "cards", "at_once"), [(1, 1, 1), (1, 3, 3), (2, 4, 2), (2, 3, 1)])
def test_jobs_that_run_at_once_have_other_cards(
    tmp_path: Path, place: dict[str, str], needed: int, cards: int, at_once: int
) -> None:
    note = tmp_path / "note"
    jobs = [start(note, place, needed, cards, seconds=1.0) for _ in range(5)]
    assert all(job.wait(timeout=60) == 0 for job in jobs)
    assert note.read_text().count("begin") == 5
    assert most_at_once(note, {str(card) for card in range(cards)}) == at_once


def test_only_the_cards_that_the_user_lets_be_seen_are_taken(tmp_path: Path, place: dict[str, str]) -> None:
    jobs = [start(tmp_path / "note", place | {"CUDA_VISIBLE_DEVICES": "GPU-a,7,2"}, 1, 2) for _ in range(3)]
    assert all(job.wait(timeout=60) == 0 for job in jobs)
    assert most_at_once(tmp_path / "note", {"GPU-a", "7"}) <= 2
    refused = start(tmp_path / "note", place | {"CUDA_VISIBLE_DEVICES": "7"}, 2, 4)
    assert "2 GPUs needed, but there are 1" in refused.communicate(timeout=60)[1] and refused.returncode == 1


def test_a_killed_job_leaves_its_card(tmp_path: Path, place: dict[str, str]) -> None:
    note = tmp_path / "note"
    killed = start(note, place, 1, 1, seconds=60)
    while not note.exists() or "begin" not in note.read_text():
        time.sleep(0.02)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    assert start(note, place, 1, 1, seconds=0).wait(timeout=60) == 0


def test_the_trainings_of_the_pipeline_have_other_cards(tmp_path: Path, project: Path) -> None:
    """`--resources gpu=2`, with a `python` that notes the cards of a job and does all by the real one."""
    note, shim, real = tmp_path / "note", tmp_path / "bin/python", sys.executable
    shim.parent.mkdir()
    shim.write_text(
        f'#!/bin/sh\n[ -n "$CUDA_VISIBLE_DEVICES" ] && [ "${{1##*/}}" = job.py ] || exec {real} "$@"\n'
        f'echo "begin $CUDA_VISIBLE_DEVICES" >> {note}\n'
        f'{real} "$@"; code=$?\necho "end $CUDA_VISIBLE_DEVICES" >> {note}\nexit $code\n'
    )
    shim.chmod(0o755)
    patch_params(project, {"compute": {"device": "auto", "processes": 1}})  # trainings are out of date, data are not
    place = {k: v for k, v in environment().items() if k != "CUDA_VISIBLE_DEVICES"}
    place |= {"PATH": f"{shim.parent}{os.pathsep}{place['PATH']}", "TMPDIR": str(tmp_path)}
    trained = [f"results/finetune/{method}/seed1" for method in METHODS]
    command = ("snakemake", "--cores", "4", "--resources", "gpu=2", "--", *trained)
    subprocess.run(command, cwd=project, env=place, check=True, capture_output=True)
    assert most_at_once(note, {"0", "1"}) == 2
    assert note.read_text().count("begin") == 4  # both phases of two methods
    assert all((project / path / "heads.safetensors").exists() for path in trained)


def test_a_training_asks_for_as_many_cards_as_it_has_processes(tmp_path: Path, tiny_backbone: Path) -> None:
    project = clone(tmp_path / "p", on_cards(tiny_backbone, processes=2))
    plan = call(project, "snakemake", "-n", "-p", "--cores", "4", "--resources", "gpu=2", "--", "all").stdout
    commands = re.findall(r"gpus\.py (\d) 2 python .* --single-item (\w+)", plan)
    assert sorted(set(commands)) == [("1", "embed"), ("1", "export"), *(("2", s) for s in sorted(PER_RUN))]
    patch_params(project, {"compute": {"device": "cpu"}})
    plan = call(project, "snakemake", "-n", "-p", "--cores", "4", "--resources", "gpu=2", "--", "all").stdout
    assert set(re.findall(r"gpus\.py (\d)", plan)) == {"0"}


def on_cards(backbone: Path, processes: int) -> Patch:
    patch = tiny(backbone, methods=METHODS)
    return {**patch, "compute": {**patch["compute"], "device": "auto", "processes": processes}}
