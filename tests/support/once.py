"""What is dear to build is built once in a run of the tests, and shared by its workers."""

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

Once = Callable[[str, Callable[[Path], object]], Path]


def once_in(shared: Path) -> Once:
    """once(name, build): the folder `name` of the shared one, filled by whichever worker is the first to ask for it.

    The others wait. A build that fails leaves nothing that counts: whoever asks next builds anew. Nobody may change
    what is in the folder: it may be in use elsewhere. (It is built in its place, not moved there: some paths are kept.)
    """

    def once(name: str, build: Callable[[Path], object]) -> Path:
        folder, done = shared / name / "p", shared / name / "done"
        folder.parent.mkdir(parents=True, exist_ok=True)
        with (shared / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                build(folder)
                done.touch()
        return folder

    return once


def shared_folder(factory: pytest.TempPathFactory) -> Path:
    """One for all workers of a run."""
    base = factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared"
