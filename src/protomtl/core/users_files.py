"""Writing where a user says: what is there already is theirs. `core/files.py` writes the pipeline's own outputs."""

import errno
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path

from protomtl.core.files import abandoned, clean, flush, part_of, remove, swap, sync, tag

SCRATCH = ".protomtl-"  # how the name of a folder begins in which a user's file is written


class BadPath(Exception):
    """A path that cannot be written; the message names it and says what to do."""


@contextmanager
def users_file(path: Path | str, force: bool = False) -> Iterator[Path]:
    """`atomic` for a file that a user names: see `users_target`. A line says when there was one. Raises BadPath."""
    target = users_target(path, force)
    with users_errors(path):
        target.parent.mkdir(parents=True, exist_ok=True)
        for left in filter(abandoned, target.parent.glob(f"{SCRATCH}*")):
            shutil.rmtree(left, ignore_errors=True)  # another writer cleans, too
        scratch = target.with_name(SCRATCH + tag())
        scratch.mkdir(0o700)
    try:
        yield scratch / target.name
        with users_errors(path):
            users_target(path, force)  # it may have become another thing meanwhile
            if replaced := target.exists():
                shutil.copymode(target, scratch / target.name)
            sync(scratch / target.name)
            (scratch / target.name).replace(target)
            sync(target.parent)
    finally:
        shutil.rmtree(scratch)
    if replaced:
        print(f"{path}: replaced", file=sys.stderr)


def users_target(path: Path | str, force: bool = False) -> Path:
    """Where the file lies that a user names: links are followed. Raises BadPath for all but a file or a new name, and
    without `force` for a file that may not be written."""
    with users_errors(path):
        target = Path(path).resolve()
        if target.is_dir():
            raise BadPath(f"{path}: is a folder; name a file")
        if target.exists() and not target.is_file():
            raise BadPath(f"{path}: is no ordinary file; name one")
        if not force and target.exists() and not os.access(target, os.W_OK):
            raise BadPath(f"{path}: is read-only; name another file, or replace it by --force")
    return target


@contextmanager
def users_folder(path: Path | str, mark: str, ours: Iterable[str], force: bool = False) -> Iterator[Path]:
    """`atomic` for a folder that a user names: new, empty, or an older one of ours, which has the file `mark`.

    Of an older one, the files that match `ours`, by their path in it, go and all others stay. With `force` any folder
    will do; in one that is not ours, only files of the names of new ones go. Links are followed. Raises BadPath.
    """
    target = users_home(path, mark, force)
    with users_errors(path):
        target.parent.mkdir(parents=True, exist_ok=True)
        clean(target)
        part = part_of(target)
        part.mkdir()  # as long as nothing is lost if it cannot be
        part.rmdir()
    try:
        yield part
        with users_errors(path):
            older = users_home(path, mark, force).exists() and any(target.iterdir())
            known = (target / mark).exists()
            gone = keep_others(target, part, tuple(ours) if known else ()) if older else []
            flush(part)
            swap(part, target)
            sync(target.parent)
    finally:
        remove(part)
    if known:
        print(f"{path}: the older one is replaced; what else is in the folder stays", file=sys.stderr)
    elif gone:
        print(f"{path}: replaced {', '.join(sorted(gone))}; what else is in the folder stays", file=sys.stderr)


def users_home(path: Path | str, mark: str, force: bool = False) -> Path:
    """Where the folder lies that a user names, if it may be written. Raises BadPath."""
    with users_errors(path):
        target = Path(path).expanduser().resolve()
        if target.exists() and not target.is_dir():
            raise BadPath(f"{path}: is a file; name a folder")
        if not force and target.exists() and not (target / mark).exists() and any(target.iterdir()):
            raise BadPath(f"{path}: is there already and holds no export; choose an empty or a new folder, or --force")
        if target in (here := Path.cwd().resolve(), *here.parents):
            raise BadPath(f"{path}: is the current folder or one above it; name another, or go out of it")
    return target


def keep_others(old: Path, new: Path, ours: tuple[str, ...]) -> list[str]:
    """Give `new` what `old` has beside: all that is not in `new` and matches none of `ours`. Returns what it has not
    been given, by its path in `old`."""
    gone = []
    for entry in old.iterdir():
        there = new / entry.name
        if entry.is_dir() and not entry.is_symlink():
            inner = tuple(rest for first, _, rest in (p.partition("/") for p in ours) if first == entry.name)
            if os.path.lexists(there) and not there.is_dir():
                gone.append(entry.name)
            elif inner or there.exists():
                there.mkdir(exist_ok=True)
                gone += [f"{entry.name}/{name}" for name in keep_others(entry, there, inner)]
                if not any(there.iterdir()):  # all of it was ours
                    there.rmdir()
            else:
                shutil.copytree(entry, there, symlinks=True)
        elif os.path.lexists(there) or any(fnmatch(entry.name, pattern) for pattern in ours):
            gone.append(entry.name)
        else:
            shutil.copy2(entry, there, follow_symlinks=False)
    shutil.copymode(old, new)
    return gone


@contextmanager
def users_errors(path: Path | str) -> Iterator[None]:
    """What the system says of a path as BadPath; a full disk stays what it is."""
    try:
        yield
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links, up to Python 3.12
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise BadPath(f"{path}: {getattr(error, 'strerror', None) or error}; name another place") from None
