"""`make soak`: random kills of random processes at random steps, and each time the same bytes in the end."""

import argparse
import random
import shutil
import signal
import tempfile
from pathlib import Path

from tests.support.engines import ENGINES
from tests.support.kills import STEPS, Kill, finish, interrupt, lost, one_method, uninterrupted
from tests.support.makers import make_backbone


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--kills", type=int, default=24)
    arguments.add_argument("--seed", type=int, default=0, help="of the kills; the same seed, the same kills")
    args = arguments.parse_args()
    chance = random.Random(args.seed)  # noqa: S311 no secret
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        prepared = one_method(folder / "prepared", make_backbone(folder / "backbone"))
        whole = uninterrupted(prepared, folder / "whole")
        done = 0
        while done < args.kills:
            project = Path(shutil.copytree(prepared, folder / "p", symlinks=True))
            done = kill_and_finish(project, chance, done, whole)
            shutil.rmtree(project)
    print(f"{done} kills: every run ended with the bytes of the undisturbed one, `dvc status` clean")


def kill_and_finish(project: Path, chance: random.Random, done: int, whole: dict[str, str]) -> int:
    """Two kills in each phase, then a run to the end, each by either engine; returns the kills so far."""
    kills, went_on = [], []
    for phase in ("pretrain", "finetune"):
        for step in sorted(chance.sample(range(1, STEPS), 2)):
            whom = chance.choice(["group", "engine", "trainer"])
            engine = chance.choice(sorted(ENGINES))
            kill = Kill(whom, chance.choice([signal.SIGINT, signal.SIGKILL]), phase, step)
            struck, before = interrupt(project, engine, kill)
            went_on += before
            if struck:  # DVC alone is deaf to SIGINT: then all is finished, and the next finds nothing to kill
                kills.append(kill)
                said = f"{kill.signal.name} to the {whom} ({engine}), {phase} step {step}"
                print(f"kill {done + len(kills)}: {said}", flush=True)
    engine = chance.choice(sorted(ENGINES))
    went_on += finish(project, engine, whole)
    assert not lost(kills, went_on), (kills, went_on)
    steps = ", ".join(f"{phase} {step}" for phase, step in went_on)
    print(f"  finished by {engine} with the same bytes; training went on from {steps or 'nothing'}", flush=True)
    return done + len(kills)


if __name__ == "__main__":
    main()
