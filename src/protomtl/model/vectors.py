"""Vectors of whole tables by an encoder that is not trained: encoded once for all methods that leave it as it is.

They lie in .state, outside of all outputs, keyed by all that they depend on. Who finds none there encodes anew, to the
same bytes.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from protomtl.core.files import atomic, digest_folder, digest_of, remove
from protomtl.core.paths import STATE

CODE = Path(__file__).parent


def shared(name: str, depends: Any, encode: Callable[[], list[Tensor]]) -> list[Tensor]:
    """What `encode` gives, or gave before for the same `depends` (JSON-like) and the same code; on the CPU.

    name: whose vectors they are; older ones of that name go. A second process waits for the first one's.
    """
    import fcntl  # of Unix: the pipeline needs it, who uses a model does not

    folder = STATE / "vectors" / name
    path = folder / f"{digest_of(depends, digest_folder(CODE), torch.__version__)}.safetensors"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            found = load_file(path)
        except (OSError, SafetensorError):  # none yet, or damaged
            found = {f"{place:02}": vectors.cpu().contiguous() for place, vectors in enumerate(encode())}
            for old in folder.glob("*.safetensors"):
                remove(old)
            with atomic(path) as part:
                save_file(found, part)
    return [found[place] for place in sorted(found)]
