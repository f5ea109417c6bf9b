"""What DVC says of the stages, for the bridge: their outputs and dependencies, and which of them are out of date."""

import fcntl
import functools
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, TextIO

from dvc import rwlock
from dvc.dependency import param
from dvc.exceptions import DvcException, NotDvcRepoError
from dvc.lock import LockError
from dvc.output import Output
from dvc.repo import Repo
from dvc.scm import SCMError
from dvc.stage import Stage

LOCK = Path("dvc.lock")
BUSY = "another run is under way in this folder; wait for its end, or stop it"


@functools.cache
def hold_alone(path: Path) -> TextIO:
    """Lock `path` until this process ends: between two stages, DVC's own locks are free for a moment."""
    try:
        path.parent.mkdir(exist_ok=True)
        file = path.open("w")
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SystemExit(BUSY) from None
    except OSError as error:
        raise SystemExit(f"{path}: {error.strerror}; a run needs a folder that it can write and lock") from None
    return file


def ask_dvc(plan: bool) -> tuple[dict[str, Stage], set[str], bool]:
    """All stages by name; with `plan` the names of those that are out of date; whether there is a default remote."""
    try:
        with Repo(".", _wait_for_lock=not plan) as repo, repo.lock, looked_at_once():  # jobs rewrite dvc.lock
            if LOCK.exists() and not LOCK.read_bytes().endswith(b"\n"):  # often DVC would still read it, but wrongly
                set_aside_broken_lock("it ends within a line")
            repo.index.check_graph()  # two stages with one output, or a circle of stages
            stages = {s.addressing: s for s in repo.index.stages if s.cmd}
            with held_at_once(repo, stages.values()) if plan else nullcontext():
                changed = {name for name, stage in stages.items() if plan and stage.status()}
            return stages, changed, bool(repo.config["core"].get("remote"))
    except LockError:
        raise SystemExit(BUSY) from None
    except NotDvcRepoError:
        raise SystemExit(f"{Path.cwd()}: no DVC repository; run `git init` and `dvc init`") from None
    except SCMError:
        raise SystemExit(f"{Path.cwd()}: no Git repository, which DVC needs; run `git init`") from None
    except DvcException as error:
        if LOCK.name not in str(error):
            why = " ".join(str(error).split()).rstrip(".")
            raise SystemExit(f"DVC: {why}; `dvc dag` may say more") from None
        set_aside_broken_lock(str(error))
        return ask_dvc(plan)


@contextmanager
def looked_at_once() -> Iterator[None]:
    """Stages share most dependencies and parameters, and DVC looks at each anew, and searches all parameters for one;
    while nothing is run, once is enough."""
    load, read, get_hash = param.load_path, param.read_param_file, Output.get_hash
    hashes: dict[tuple[str, str], Any] = {}
    values: dict[tuple[str, str], dict[str, Any]] = {}

    def known_hash(out: Output) -> Any:
        key = (out.fs_path, out.hash_name)
        if key not in hashes:
            hashes[key] = get_hash(out)
        return hashes[key]

    def known_values(fs: Any, path: str, keys: list[str] | None = None, flatten: bool = False, **more: Any) -> Any:
        if not keys or not flatten:
            return read(fs, path, keys, flatten, **more)
        for key in keys:
            if (path, key) not in values:
                values[path, key] = read(fs, path, [key], flatten, **more)
        return {name: value for key in keys for name, value in values[path, key].items()}

    param.load_path, param.read_param_file, Output.get_hash = functools.cache(load), known_values, known_hash
    try:
        yield
    finally:
        param.load_path, param.read_param_file, Output.get_hash = load, read, get_hash


@contextmanager
def held_at_once(repo: Repo, stages: Iterable[Stage]) -> Iterator[None]:
    """Inside, the stages' files are held for reading together, where DVC would hold those of one after the other.

    LockError if a command is at work on any of them.
    """
    hold = rwlock.rwlock
    paths = {item.fs_path for stage in stages for item in (*stage.deps, *stage.outs)}
    hardlink = repo.config["core"].get("hardlink_lock", False)
    with hold(repo.tmp_dir, repo.fs, " ".join(sys.argv), sorted(paths), [], hardlink):
        rwlock.rwlock = lambda *_: nullcontext()
        try:
            yield
        finally:
            rwlock.rwlock = hold


def set_aside_broken_lock(why: str) -> None:
    """DVC writes dvc.lock in place: a kill at that moment cuts it off. Nothing is lost.

    What was run here comes back from the run cache; what was pulled is not in there, but in the last commit's dvc.lock.
    """
    text = LOCK.read_bytes()
    if b"<<<<<<<" in text:
        raise SystemExit("dvc.lock: has merge conflicts; take either side (`git checkout --ours dvc.lock`), run again")
    broken = LOCK.with_suffix(".lock.broken")
    LOCK.replace(broken)
    last = subprocess.run(["git", "show", f"HEAD:./{LOCK}"], capture_output=True, check=False).stdout  # noqa: S607
    if last.endswith(b"\n") and last != text:
        LOCK.write_bytes(last)
    print(f"{LOCK} was cut off ({why}): now {broken}. Results come back from the cache.", file=sys.stderr)
