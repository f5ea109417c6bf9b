"""Vectors of whole tables that somebody has encoded already.

An encoder that is not trained encodes once for all methods that leave it as it is (`shared`). A training leaves what
its last validation encoded to the evaluation (`leave`, `take`). They lie in .state, outside of all outputs, keyed by
all that they depend on. Who finds none there encodes anew, to the same bytes.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from protomtl.core.files import digest_folder, digest_of, remove
from protomtl.core.paths import STATE
from protomtl.model import checked_tensors
from protomtl.model.libraries import versions

CODE = Path(__file__).parent


class Wanted(NamedTuple):
    """Vectors of a whole table."""

    name: str  # whose they are; older ones of that name go
    depends: Any  # JSON-like: other vectors where it differs
    encode: Callable[[], list[Tensor]]


def share(all_wanted: Iterable[Wanted]) -> None:
    """Have them all there. While another process encodes one of them, this one goes on with the next."""
    from protomtl.core.locks import held  # of Unix: the pipeline needs it, who uses a model does not

    busy = []
    for wanted in all_wanted:
        with held(lock_of(wanted)) as ours:
            if ours:
                encoded(wanted)
            else:
                busy.append(wanted)
    for wanted in busy:
        shared(wanted)


def shared(wanted: Wanted) -> list[Tensor]:
    """What it encodes, or was encoded before for the same `depends` and the same code; on the CPU.

    A second process waits for the first one's.
    """
    import fcntl  # of Unix, as above

    with lock_of(wanted).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return encoded(wanted)


def lock_of(wanted: Wanted) -> Path:
    folder = place_of(wanted.name, wanted.depends).parent
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "lock"


def encoded(wanted: Wanted) -> list[Tensor]:
    """Of whoever holds the lock."""
    path = place_of(wanted.name, wanted.depends)
    found = read(path)
    if found is None:
        found = [vectors.cpu() for vectors in wanted.encode()]
        write(path, found)
    return found


def leave(name: str, depends: Any, found: list[Tensor]) -> None:
    """Put vectors there for one who comes after; older ones of that name go."""
    write(place_of(name, depends), found)


def take(name: str, depends: Any) -> list[Tensor] | None:
    """What `leave` put there for the same `depends` and the same code, on the CPU, or None; all of that name goes."""
    path = place_of(name, depends)
    found = read(path)
    remove(path.parent)
    return found


def place_of(name: str, depends: Any) -> Path:
    """By content, code and libraries, as the state of a training; tokens are of the content."""
    return STATE / "vectors" / name / f"{digest_of(depends, digest_folder(CODE), versions())}.safetensors"


def read(path: Path) -> list[Tensor] | None:
    """None if there are none, or damaged ones."""
    try:
        found = checked_tensors.read(path)[1]
    except checked_tensors.Damaged:
        return None
    return [found[place] for place in sorted(found)]


def write(path: Path, found: list[Tensor]) -> None:
    for old in path.parent.glob("*.safetensors"):
        remove(old)
    checked_tensors.save(path, {f"{place:02}": vectors for place, vectors in enumerate(found)}, None)
