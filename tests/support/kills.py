"""Runs that are killed at a chosen step, by either engine, and the runs that finish them."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import psutil
from safetensors import safe_open

from tests.support import engines
from tests.support.commands import call, environment
from tests.support.engines import WHOLE, Goal, nothing_to_do, results
from tests.support.makers import clone, tiny

STEPS = 100  # of each phase, half of them an epoch
PATIENCE = 300.0  # seconds
EVALUATED = engines.goal("evaluate@prototypical-1")  # both trainings and what both left; the rest follows from it


class Resumed(NamedTuple):
    phase: str
    step: int


class Kill(NamedTuple):
    """Which signal hits whom, once the trainer of a phase has saved so many steps."""

    whom: str  # group: the engine and all below, as Ctrl-C does | engine: that process alone | trainer: that one alone
    signal: signal.Signals
    phase: str
    step: int


def one_method(target: Path, backbone: Path) -> Path:
    """A clone with one method, prepared up to its training, which saves its state at each step."""
    steps = {"epochs": 2, "steps_per_epoch": STEPS // 2, "batch_size": 8, "save_every": 1}
    project = clone(target, tiny(backbone, methods=["prototypical"], pretrain=steps, finetune=steps))
    call(project, "dvc", "repro", "tokens", "backbone")
    return project


def uninterrupted(prepared: Path, target: Path, to: Goal = WHOLE) -> dict[str, str]:
    """The results of a run that nothing disturbs."""
    project = Path(shutil.copytree(prepared, target, symlinks=True, dirs_exist_ok=True))
    engines.run(project, "snakemake", to=to)
    return results(project)


def steps_saved(project: Path, phase: str) -> int:
    """Step of the saved state, which is replaced by renaming and so readable at any time; 0 without one."""
    for path in (project / ".state" / phase).glob("*/*/state.safetensors"):
        with safe_open(path, framework="np") as file:
            return int(json.loads(file.metadata()["about"])["done"])
    return 0


def session(engine: int) -> list[psutil.Process]:
    """All processes that an engine has started and that are left; the dead too, until init has reaped them.

    DVC takes those for living. (In a container without an init they stay: `docker run --init`.)
    """
    found = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == engine:
                found.append(process)
        except (ProcessLookupError, psutil.NoSuchProcess):
            continue
    return found


def trainers(engine: int, phase: str) -> list[psutil.Process]:
    """The processes of an engine that train in a phase."""
    found = []
    for process in session(engine):
        with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            if process.cmdline()[1:3] == ["src/protomtl", phase]:
                found.append(process)
    return found


def until(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"waited {PATIENCE:.0f} s for {what}"
        time.sleep(0.02)


def start(project: Path, engine: str, to: Goal = WHOLE) -> subprocess.Popen[bytes]:
    """The engine in a session of its own; what it says goes into killed.log."""
    return subprocess.Popen(
        engines.command(engine, to),
        cwd=project,
        env=environment(),
        stdout=(project / "killed.log").open("w"),
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs ignore it
    )


def strike(running: subprocess.Popen[bytes], kill: Kill) -> None:
    """Send the signal."""
    if kill.whom == "group":
        os.killpg(running.pid, kill.signal)
    elif kill.whom == "engine":
        running.send_signal(kill.signal)
    else:
        for process in trainers(running.pid, kill.phase):
            process.send_signal(kill.signal)


def interrupt(project: Path, engine: str, kill: Kill, to: Goal = WHOLE) -> tuple[bool, list[Resumed]]:
    """Start the engine, kill at the given point, and wait until none of its processes is left.

    Returns whether the run failed by it, and where training went on from before that: a signal may come too late. A
    state that is there already is not enough: of a trainer that outlived its engine it may be the last one, and then
    nobody trains.
    """
    running = start(project, engine, to)
    until(
        lambda: (
            (steps_saved(project, kill.phase) >= kill.step and bool(trainers(running.pid, kill.phase)))
            or running.poll() is not None
        ),
        f"step {kill.step} of {kill.phase}",
    )
    if running.poll() is None:
        with contextlib.suppress(psutil.NoSuchProcess):
            strike(running, kill)
    running.wait(PATIENCE)
    until(lambda: not session(running.pid), "the end of all processes")
    return running.returncode != 0, resumed((project / "killed.log").read_text())


def finish(project: Path, engine: str, whole: dict[str, str], to: Goal = WHOLE) -> list[Resumed]:
    """Run to the end; the same bytes as `whole`, nothing left to do. Returns where training went on from."""
    run = engines.run(project, engine, to=to)
    assert results(project) == whole
    nothing_to_do(project, to)
    return resumed(run.output)


def resumed(output: str) -> list[Resumed]:
    found = re.findall(r"^(\w+) prototypical seed 1: goes on from step (\d+)", output, re.M)
    return [Resumed(phase, int(step)) for phase, step in found]


def lost(kills: list[Kill], went_on: list[Resumed]) -> list[Kill]:
    """Kills of a trainer after which training did not go on from the step it had saved, or a later one."""
    hit = [kill for kill in kills if kill.whom != "engine"]
    return [kill for kill in hit if not any(r.phase == kill.phase and r.step >= kill.step for r in went_on)]
