"""What is damaged in a project: outputs, cached objects, DVC's lock, saved states. DVC is called as a command.

DVC trusts what it once looked at, by time and size, and the objects of its cache altogether. Here it looks at each
output anew, with notes of its own, and each object of the cache is hashed.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import yaml

from protomtl.core.files import is_running
from protomtl.core.paths import STATE
from protomtl.core.yaml_reader import Loader

LOCK, HELD = Path("dvc.lock"), Path(".dvc/tmp/rwlock")
OBJECT = re.compile(r"[0-9a-f]{2}/[0-9a-f]{30}(\.dir)?")
Files = Mapping[str, str]  # path of an output, or of a file in one that is a folder -> its MD5


class Kind(Enum):
    """What is damaged; the value says what mends it."""

    LOCK = "--repair removes this lock"
    STATE = "--repair removes this state"
    OBJECT = "--repair replaces it"
    OUTPUT = "--repair restores it"
    ABSENT = "--repair stores it"
    EXTRA = "move it elsewhere"


class Damage(NamedTuple):
    path: Path
    kind: Kind
    what: str

    def __str__(self) -> str:
        return f"{self.path}: {self.what}; {self.kind.value}"


def look(cache: Path) -> list[Damage]:
    """Every damage, the causes before what follows from them. SystemExit if DVC cannot read the project.

    cache: the folder of the cache's objects, each named by its MD5.
    """
    files = files_of(cache, {path: md5 for outs in read_lock().values() for path, md5 in outs.items()})
    return [*stale_lock(), *bad_objects(cache, files), *bad_outputs(cache, files), *old_states()]


def recorded_stages() -> Mapping[str, Mapping[str, Any]]:
    """The stages that dvc.lock records. SystemExit for one that DVC did not write."""
    try:
        stages: dict[str, dict[str, Any]] = yaml.load(LOCK.read_bytes(), Loader)["stages"]  # noqa: S506  # a safe one
        words = [out[key] for stage in stages.values() for out in stage.get("outs", []) for key in ("path", "md5")]
        if all(isinstance(word, str) for word in words):
            return stages
    except (yaml.YAMLError, KeyError, TypeError, AttributeError, ValueError):
        pass
    raise SystemExit(
        f"{LOCK}: not what DVC writes; `git checkout {LOCK}`, or without a committed one `rm {LOCK}`, then `dvc repro`"
    )


def read_lock() -> dict[str, dict[str, str]]:
    """Of each stage that dvc.lock records: path of an output -> its MD5, which for a folder ends with `.dir`."""
    return {
        name: {out["path"]: out["md5"] for out in stage.get("outs", [])} for name, stage in recorded_stages().items()
    }


def cache_folder() -> Path:
    """Where DVC has the objects of its cache."""
    return Path(os.path.relpath(dvc("cache", "dir").strip())) / "files/md5"


def files_of(cache: Path, recorded: Files) -> dict[str, str]:
    """The recorded outputs, and the files in those that are folders, as far as the cache lists them."""
    found = dict(recorded)
    for path, md5 in recorded.items():
        try:
            listed = json.loads(object_of(cache, md5).read_bytes()) if md5.endswith(".dir") else []
            found |= {f"{path}/{entry['relpath']}": entry["md5"] for entry in listed}
        except (OSError, ValueError, KeyError, TypeError):
            continue  # it is among the damaged or the absent objects
    return found


def stale_lock() -> Iterator[Damage]:
    """DVC's lock, if the processes that took it are no more, or were killed as they wrote it."""
    try:
        if any(json.loads(lock_text()).values()) and not lock_holders():
            yield Damage(HELD, Kind.LOCK, "a lock of a process that is no more")
    except (ValueError, AttributeError):
        yield Damage(HELD, Kind.LOCK, "a lock that was cut off while it was written")


def lock_text() -> str:
    return HELD.read_text(encoding="utf-8", errors="replace") if HELD.exists() else "{}"


def lock_holders() -> list[int]:
    """The living processes that DVC's lock names."""
    return [process for process in map(int, re.findall(r'"pid": (\d+)', lock_text())) if is_running(process)]


def bad_objects(cache: Path, files: Files) -> Iterator[Damage]:
    """Objects of the cache, of any version, whose content is not what their name says."""
    path_of = {md5: path for path, md5 in files.items()}
    for path in sorted(cache.glob("??/*")):
        name = path.relative_to(cache).as_posix()
        md5 = name.replace("/", "")
        if OBJECT.fullmatch(name) and not (path.is_file() and md5_of(path) == md5.removesuffix(".dir")):
            whose = path_of.get(md5, "an older version")
            yield Damage(path, Kind.OBJECT, f"other bytes than its name says; it is the cache's {whose}")


def bad_outputs(cache: Path, files: Files) -> Iterator[Damage]:
    """Outputs that are not what dvc.lock records, and those that the cache lacks."""
    with TemporaryDirectory() as notes:
        status = json.loads(dvc("data", "status", "--granular", "--json", DVC_SITE_CACHE_DIR=notes))
    changed: dict[str, list[str]] = status.get("uncommitted", {})
    inner = [name for kind in changed.values() for name in kind if not name.endswith("/")]
    for name in changed.get("modified", []):
        if not (name.endswith("/") and any(file.startswith(name) for file in inner)):  # the files say more
            yield Damage(Path(name), Kind.OUTPUT, how_changed(Path(name), object_of(cache, files.get(name, ""))))
    for name in changed.get("deleted", []):
        yield Damage(Path(name), Kind.OUTPUT, "is not there")
    for name in changed.get("added", []):
        yield Damage(Path(name), Kind.EXTRA, "lies in an output, but no stage made it")
    for name in status.get("not_in_cache", []):
        yield Damage(Path(name), Kind.ABSENT, "is not in the cache")


def how_changed(path: Path, whole: Path) -> str:
    """In what a changed output differs from the object of the cache, which may not be there."""
    if path.is_file() and whole.is_file() and path.stat().st_size < whole.stat().st_size:
        return f"cut off, {path.stat().st_size} of {whole.stat().st_size} bytes"
    return "other bytes than dvc.lock records"


def old_states() -> Iterator[Damage]:
    """Saved states of trainings with which nobody goes on: damaged ones, and those whose result is recorded."""
    runs = {run: saved for run in sorted(STATE.glob("*/*-seed*")) if (saved := saved_in(run))}
    finished = set(read_lock()) - set(stages_out_of_date()) if runs else set()
    for run, saved in runs.items():
        if f"{run.parent.name}@{'-'.join(run.name.rsplit('-seed', 1))}" in finished:
            yield Damage(run, Kind.STATE, "the saved state of a training that is finished")
        else:
            yield from (Damage(path, Kind.STATE, "damaged, training would begin anew") for path in saved if bad(path))


def saved_in(run: Path) -> list[Path]:
    return [path for path in sorted(run.rglob("*")) if path.is_file() and path.name != "lock"]


def bad(state: Path) -> bool:
    from protomtl.model import checked_tensors  # heavy, and mostly there is no state

    try:
        checked_tensors.read(state)
    except checked_tensors.Damaged:
        return True
    return False


def stages_out_of_date() -> dict[str, Any]:
    """The stages of which DVC says that something is changed, and what."""
    found: dict[str, Any] = json.loads(dvc("status", "--json"))
    return found


def object_of(cache: Path, md5: str) -> Path:
    return cache / md5[:2] / md5[2:]


def md5_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def dvc(*words: str, may_fail: bool = False, **variables: str) -> str:
    """What a command of DVC prints. SystemExit with its own words if it fails and may not."""
    command = [sys.executable, "-m", "dvc", *words]
    variables |= {"SHELL": "/bin/sh"}  # DVC runs the stages' commands by it, and the user's may run none
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | variables)
    if done.returncode and not may_fail:
        raise SystemExit(f"`dvc {' '.join(words)}` says: {' '.join(done.stderr.split())}")
    return done.stdout
