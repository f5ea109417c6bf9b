"""`make soak`: random kills of random processes at random steps, and each time the same bytes in the end.

Between the kills of a project it meets a disk that is full, and one that is read-only.
"""

import argparse
import random
import shutil
import signal
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.support.disks import mounts_are_allowed, on_a_full_disk, read_only
from tests.support.engines import ENGINES, command, goal
from tests.support.kills import STEPS, Kill, Resumed, finish, interrupt, lost, one_method, resumed, uninterrupted
from tests.support.makers import make_backbone

A_PHASE = 5  # kills of each training of a project
ROOM = (20, 300)  # kilobytes left on a full disk: less than a phase writes, mostly


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--kills", type=int, default=100)
    arguments.add_argument("--seed", type=int, default=0, help="of the kills; the same seed, the same kills")
    args = arguments.parse_args()
    chance, begin = random.Random(args.seed), time.monotonic()  # noqa: S311 no secret
    mounts = mounts_are_allowed()
    done: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        prepared = one_method(folder / "prepared", make_backbone(folder / "backbone"))
        whole = uninterrupted(prepared, folder / "whole")
        while done["kills"] < args.kills:
            project = Path(shutil.copytree(prepared, folder / "p", symlinks=True))
            kill_and_finish(project, chance, min(A_PHASE, (args.kills - done["kills"] + 1) // 2), mounts, done, whole)
            shutil.rmtree(project)
    disks = f"{done['full']} full disks, {done['read-only']} read-only ones" if mounts else "no right to mount a disk"
    print(f"{done['kills']} kills, {disks}, {done['projects']} projects in {(time.monotonic() - begin) / 60:.0f} min:")
    print("every one ended with the bytes of the undisturbed run, and both engines had nothing to do")


def kill_and_finish(
    project: Path, chance: random.Random, kills: int, mounts: bool, done: Counter[str], whole: dict[str, str]
) -> None:
    """So many kills in each phase and the disks between the phases, then a run to the end, each by either engine."""
    struck: list[Kill] = []
    went_on: list[Resumed] = []
    for phase in ("pretrain", "finetune"):
        for step in sorted(chance.sample(range(1, STEPS), kills)):
            whom, engine = chance.choice(["group", "engine", "trainer"]), chance.choice(sorted(ENGINES))
            kill = Kill(whom, chance.choice([signal.SIGINT, signal.SIGKILL]), phase, step)
            hit, before = interrupt(project, engine, kill)
            went_on += before
            if hit:  # DVC alone is deaf to SIGINT: then all is finished, and the next finds nothing to kill
                struck.append(kill)
                said = f"{kill.signal.name} to the {whom} ({engine}), {phase} step {step}"
                print(f"kill {done['kills'] + len(struck)}: {said}", flush=True)
        if mounts:
            went_on += bad_disks(project, phase, chance, done)
    engine = chance.choice(sorted(ENGINES))
    went_on += finish(project, engine, whole)
    assert not lost(struck, went_on), (struck, went_on)
    done.update({"kills": len(struck), "projects": 1})
    steps = ", ".join(f"{phase} {step}" for phase, step in went_on)
    print(f"  finished by {engine} with the same bytes; training went on from {steps or 'nothing'}", flush=True)


def bad_disks(project: Path, phase: str, chance: random.Random, done: Counter[str]) -> list[Resumed]:
    """A run on a read-only disk, and one on a disk that is nearly full; where training went on from.

    No further than to the end of the phase, where the disk was large enough: the next one is to be killed, too.
    """
    engine, room = chance.choice(sorted(ENGINES)), chance.randint(*ROOM)
    words = command(engine, goal(f"{phase}@prototypical-1"))
    assert "Read-only file system" in read_only(project, *words)
    said = on_a_full_disk(project, room, *words)
    full = "o space left on" in said
    done.update({"read-only": 1, "full": full})
    print(f"a read-only disk, and one with {room} kB ({engine}): {'full' if full else 'it was enough'}", flush=True)
    return resumed(said)


if __name__ == "__main__":
    main()
