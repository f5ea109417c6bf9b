"""Run a command with GPUs of its own: `python workflow/gpus.py NEEDED CARDS COMMAND …`.

Snakemake counts the cards of a machine (`--resources gpu=4`), but does not say which of them a job has. Here a job
takes NEEDED of CARDS, and the command sees no others. This module knows nothing of the project that it serves.
"""

import fcntl
import os
import sys
import tempfile
import time
from pathlib import Path


def main(needed: int, cards: int, command: list[str]) -> None:
    """Become the command. The locks are open files, which it inherits: they are gone when it is, however it ends."""
    names = os.environ.get("CUDA_VISIBLE_DEVICES") or ",".join(map(str, range(cards)))
    there = names.split(",")[:cards]
    if needed > len(there):
        sys.exit(f"{needed} GPUs needed, but there are {len(there)}: CUDA_VISIBLE_DEVICES or `--resources gpu=N`")
    taken = take(needed, there, place())
    os.execvpe(command[0], command, os.environ | {"CUDA_VISIBLE_DEVICES": ",".join(taken)})


def place() -> Path:
    """The folder of the locks. They are this machine's; SLURM numbers the cards of each of its jobs anew."""
    folder = Path(tempfile.gettempdir()) / f"gpus-{os.getuid()}-{os.environ.get('SLURM_JOB_ID', 'machine')}"
    folder.mkdir(exist_ok=True)
    return folder


def take(needed: int, names: list[str], folder: Path) -> list[str]:
    """Lock so many free cards, and wait until there are as many. One job at a time chooses, or two might halve them."""
    held: dict[str, int] = {}
    door = os.open(folder / "door", os.O_CREAT | os.O_RDWR)
    fcntl.flock(door, fcntl.LOCK_EX)
    while len(held) < needed:
        for name in names:
            if len(held) < needed and name not in held and (file := locked(folder / name)) is not None:
                held[name] = file
        time.sleep(0.1 if len(held) < needed else 0)
    os.close(door)
    return list(held)


def locked(path: Path) -> int | None:
    """An open file that holds the lock of a card and that a command inherits; None if another has it."""
    file = os.open(path, os.O_CREAT | os.O_RDWR)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return None
    os.set_inheritable(file, True)
    return file


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
