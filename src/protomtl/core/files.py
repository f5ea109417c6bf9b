"""Writing so that a reader sees a whole file or none, and the checksums of what was written."""

import csv
import ctypes
import errno
import glob
import hashlib
import io
import json
import math
import os
import re
import secrets
import shutil
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

MENDS = "`protomtl verify --repair` brings it back"  # what to do about an output of a stage that is damaged
WHOLE = ".whole.part"  # how the name of a folder ends that lacks nothing but its place


@contextmanager
def atomic(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside `path`; put it in the place of `path` only when the block succeeds.

    For the pipeline's own outputs, a file or a folder (the block decides by what it creates). After a failure or a
    kill the old content of `path` is untouched; the `.part` that a kill leaves is removed by the next attempt. Of two
    writers each has a `.part` of its own, and the last one wins. The disk has all of it before the name counts.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    clean(path)
    part = part_of(path)
    try:
        yield part
        flush(part)
        swap(part, path)
        sync(path.parent)
    finally:
        remove(part)


def clean(path: Path) -> None:
    """Remove what killed writers of `path` left beside it; finish what one of them had begun to put there."""
    for left in path.parent.glob(f"{glob.escape(path.name)}.*.part"):
        if abandoned(left):
            with suppress(FileNotFoundError):  # another writer cleans, too
                put(left, path) if left.name.endswith(WHOLE) else remove(left)


def part_of(path: Path) -> Path:
    """A name beside `path` that no other writer has, and that says whose it is."""
    return path.with_name(f"{path.name}.{tag()}.part")


def tag() -> str:
    """Whose a temporary name is, and which."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"


def abandoned(path: Path) -> bool:
    """Whether a temporary name is of a process of this machine that is gone."""
    writer = re.search(rf"\b{re.escape(socket.gethostname())}-(\d+)-[0-9a-f]{{8}}\b", path.name)
    return writer is not None and not is_running(int(writer[1]))


def is_running(process: int) -> bool:
    if os.name != "posix":
        return True  # where signal 0 is Ctrl-C, nobody asks
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):  # no process has so large a number
        return False
    except PermissionError:  # of another user
        return True
    return True


def flush(part: Path) -> None:
    """Have the disk store a file, or a folder with all that is in it."""
    for path in [*part.rglob("*")] if part.is_dir() else []:
        if not path.is_symlink():
            sync(path)
    sync(part)


def sync(path: Path) -> None:
    """Have the disk store a file, or the names in a folder, where it can."""
    if os.name != "posix":
        return  # elsewhere only who writes a file can
    with suppress(PermissionError):  # a folder may be written and not read
        number = os.open(path, os.O_RDONLY)
        try:
            os.fsync(number)
        except OSError as error:
            if error.errno != errno.EINVAL:  # what some file systems say of folders
                raise
        finally:
            os.close(number)


def swap(part: Path, path: Path) -> None:
    """Put `part` in the place of `path`; of a folder what was there may have the name `part` then."""
    if not os.path.lexists(path) or not (path.is_dir() or part.is_dir()):
        part.replace(path)
    elif not exchanged(part, path):
        whole = part.with_suffix(WHOLE)
        part.replace(whole)
        put(whole, path)


def put(whole: Path, path: Path) -> None:
    """`swap` of a folder where two names cannot be exchanged at once: a kill leaves `whole`, see `clean`."""
    old = whole.with_name(f"{whole.name.removesuffix(WHOLE)}.old.part")
    try:
        path.replace(old)
    except FileNotFoundError:  # gone before the kill
        pass
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        remove(path)  # it lies in a lower layer of an overlay, where a folder cannot be renamed
    whole.replace(path)
    remove(old)


def exchanged(a: Path, b: Path) -> bool:
    """Exchange two names at once, as Linux can; False where it is not possible."""
    if os.name != "posix":
        return False
    call = getattr(ctypes.CDLL(None), "renameat2", None)
    here, at_once = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    return call is not None and call(here, os.fsencode(a), here, os.fsencode(b), at_once) == 0


def remove(path: Path) -> None:
    """Remove a file or a folder; nothing happens when there is none."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def write_json(path: Path | str, value: Any) -> None:
    """Write `value` as sorted, indented JSON, atomically; numbers that are not finite as null."""
    with atomic(path) as part:
        text = json.dumps(finite(value), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        part.write_text(text, encoding="utf-8")


def finite(value: Any) -> Any:
    """JSON's form of a value: it has no word for NaN and infinity."""
    if isinstance(value, Mapping):
        return {name: finite(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows, at least one, as CSV with the columns of the first; numbers that are not finite are empty fields."""
    path.write_text(csv_lines(rows), newline="", encoding="utf-8")


def csv_lines(rows: Sequence[Mapping[str, Any]], header: bool = True) -> str:
    """What `write_csv` writes of some rows; without the header what can be added to it."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    if header:
        writer.writeheader()
    writer.writerows(map(finite, rows))
    return text.getvalue()


def read_json(path: Path | str) -> Any:
    """What a JSON file holds. SystemExit for a damaged one."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise SystemExit(f"{path}: damaged, no valid JSON: {error}; make it again") from None


def read_record(path: Path | str) -> dict[str, Any]:
    """The same of a file that holds an object of names and values. SystemExit for one that holds anything else."""
    found = read_json(path)
    if not isinstance(found, dict):
        raise SystemExit(f"{path}: damaged, no JSON object; make it again")
    return found


def sha256(path: Path) -> str:
    """SHA-256 of a file, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_of(*values: Any) -> str:
    """A short key of JSON-like values: equal values, equal key."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


def digest_folder(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below `folder`, keyed by its relative path; hidden files (an engine's notes) aside."""
    files = sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.startswith("."))
    return {str(p.relative_to(folder)): sha256(p) for p in files}
