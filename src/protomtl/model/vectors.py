"""Vectors of whole tables that somebody has encoded already.

An encoder that is not trained encodes once for all methods that leave it as it is (`shared`). A training leaves what
its last validation encoded to the evaluation (`leave`, `take`). They lie in .state, outside of all outputs, keyed by
all that they depend on. Who finds none there encodes anew, to the same bytes.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from protomtl.core.files import atomic, digest_folder, digest_of, remove
from protomtl.core.paths import STATE
from protomtl.model.libraries import versions

CODE = Path(__file__).parent


def shared(name: str, depends: Any, encode: Callable[[], list[Tensor]]) -> list[Tensor]:
    """What `encode` gives, or gave before for the same `depends` (JSON-like) and the same code; on the CPU.

    name: whose vectors they are; older ones of that name go. A second process waits for the first one's.
    """
    import fcntl  # of Unix: the pipeline needs it, who uses a model does not

    path = place_of(name, depends)
    path.parent.mkdir(parents=True, exist_ok=True)
    with (path.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = read(path)
        if found is None:
            found = [vectors.cpu() for vectors in encode()]
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
        found = load_file(path)
    except (OSError, SafetensorError):
        return None
    return [found[place] for place in sorted(found)]


def write(path: Path, found: list[Tensor]) -> None:
    for old in path.parent.glob("*.safetensors"):
        remove(old)
    with atomic(path) as part:
        save_file({f"{place:02}": vectors.cpu().contiguous() for place, vectors in enumerate(found)}, part)
