"""Writing where a user says: what is there already is theirs. `core/files.py` writes the pipeline's own outputs."""

import errno
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path

from protomtl.core.files import part_of, remove, swap


class BadPath(Exception):
    """A path that cannot be written; the message names it and says what to do."""


@contextmanager
def users_file(path: Path | str) -> Iterator[Path]:
    """`atomic` for a file that a user names: see `users_target`. A line says when there was one. Raises BadPath."""
    target = users_target(path)
    with users_errors(path):
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".protomtl-", dir=target.parent))
    try:
        yield scratch / target.name
        with users_errors(path):
            users_target(path)  # it may have become another thing meanwhile
            if replaced := target.exists():
                shutil.copymode(target, scratch / target.name)
            (scratch / target.name).replace(target)
    finally:
        shutil.rmtree(scratch)
    if replaced:
        print(f"{path}: replaced", file=sys.stderr)


def users_target(path: Path | str) -> Path:
    """Where the file lies that a user names: links are followed. Raises BadPath for all but a file or a new name."""
    with users_errors(path):
        target = Path(path).resolve()
        if target.is_dir():
            raise BadPath(f"{path}: is a folder; name a file")
        if target.exists() and not target.is_file():
            raise BadPath(f"{path}: is no ordinary file; name one")
        if target.exists() and not os.access(target, os.W_OK):
            raise BadPath(f"{path}: is read-only; name another file")
    return target


@contextmanager
def users_folder(path: Path | str, mark: str, ours: Iterable[str]) -> Iterator[Path]:
    """`atomic` for a folder that a user names: new, empty, or an older one of ours, which has the file `mark`.

    Of an older one, the files that match `ours` go and all others stay. Links are followed. Raises BadPath.
    """
    target = users_home(path, mark)
    with users_errors(path):
        target.parent.mkdir(parents=True, exist_ok=True)
        part = part_of(target)
        part.mkdir()  # as long as nothing is lost if it cannot be
        part.rmdir()
    try:
        yield part
        with users_errors(path):
            if older := users_home(path, mark).exists() and any(target.iterdir()):
                keep_others(target, part, tuple(ours))
            swap(part, target)
    finally:
        remove(part)
    if older:
        print(f"{path}: the older export is replaced; what else is in the folder stays", file=sys.stderr)


def users_home(path: Path | str, mark: str) -> Path:
    """Where the folder lies that a user names, if it may be written. Raises BadPath."""
    with users_errors(path):
        target = Path(path).expanduser().resolve()
        if target.exists() and not target.is_dir():
            raise BadPath(f"{path}: is a file; name a folder")
        if target.exists() and not (target / mark).exists() and any(target.iterdir()):
            raise BadPath(f"{path}: is there already and holds no export; choose an empty or a new folder")
        if target in (here := Path.cwd().resolve(), *here.parents):
            raise BadPath(f"{path}: is the current folder or one above it; name another, or go out of it")
    return target


def keep_others(old: Path, new: Path, ours: tuple[str, ...]) -> None:
    """Give `new` what `old` has beside: all that is not in `new` and matches none of `ours`."""
    for entry in old.iterdir():
        there = new / entry.name
        if entry.is_dir() and not entry.is_symlink():
            if there.is_dir():
                keep_others(entry, there, ())
            elif not there.exists():
                shutil.copytree(entry, there, symlinks=True)
        elif not os.path.lexists(there) and not any(fnmatch(entry.name, pattern) for pattern in ours):
            shutil.copy2(entry, there, follow_symlinks=False)
    shutil.copymode(old, new)


@contextmanager
def users_errors(path: Path | str) -> Iterator[None]:
    """What the system says of a path as BadPath; a full disk stays what it is."""
    try:
        yield
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links, up to Python 3.12
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise BadPath(f"{path}: {getattr(error, 'strerror', None) or error}; name another place") from None
