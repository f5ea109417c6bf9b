"""A run is one trainer's at a time: its lock, and the end of its state."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from protomtl.core.files import remove
from protomtl.core.paths import STATE


@contextmanager
def held(lock: Path) -> Iterator[bool]:
    """Hold a lock file until the end of the block; False where another process holds it. It is never removed.

    SystemExit where nothing can be locked.
    """
    with lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        except OSError as error:
            raise SystemExit(f"{lock}: {error.strerror}; {STATE} needs a file system with locks") from None
        else:
            yield True


def forget(stage: str, method: str, seed: int) -> None:
    """Remove the state of a run whose result is safe (a later stage has begun, so DVC has recorded it).

    Not while a trainer is at work on it. The lock stays: a trainer that waits for it holds the same file.
    """
    forget_state(STATE / stage / f"{method}-seed{seed}")


def forget_state(run: Path) -> None:
    """Remove all that is in the state folder of a run, but for its lock; nothing while a trainer holds that."""
    if not run.is_dir():
        return
    with held(run / "lock") as ours:
        for left in run.iterdir() if ours else ():
            if left.name != "lock":
                remove(left)
