"""Tensors in a file that are, to the byte, what was written into this place, or Damaged: for what lies in .state."""

import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from protomtl.core.errors import first_line
from protomtl.core.files import atomic


class Damaged(Exception):
    """A file that cannot be used; the message names it and says why."""


def save(path: Path, tensors: Mapping[str, Tensor], about: Any) -> None:
    """Write tensors and what JSON can say about them, atomically."""
    plain = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    written = json.dumps(about)
    with atomic(path) as part:
        save_file(plain, part, metadata={"about": written, "checksum": checksum(path, plain, written)})


def read(path: Path) -> tuple[Any, dict[str, Tensor]]:
    """What `save` was told about the tensors, and they themselves. Damaged if they are not what it wrote there."""
    if not path.is_file():
        raise Damaged(f"{path}: is missing or no file")
    try:
        with safe_open(path, framework="pt") as file:
            said = file.metadata() or {}
        tensors: dict[str, Tensor] = load_file(path)
        about = json.loads(said["about"])
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise Damaged(f"{path}: cannot be read: {first_line(error)}") from None
    if said.get("checksum") != checksum(path, tensors, said["about"]):
        raise Damaged(f"{path}: its checksum is not that of this place")
    return about, tensors


def checksum(path: Path, tensors: Mapping[str, Tensor], about: str) -> str:
    """Of all bytes, what they stand for and the place, to find damage, and files of other places."""
    found = zlib.crc32(f"{path.parent.name}/{path.name} {about}".encode())
    for name, value in sorted(tensors.items()):
        found = zlib.crc32(f"{name} {value.dtype} {[*value.shape]}".encode(), found)
        found = zlib.crc32(value.flatten().view(torch.uint8).numpy().data, found)
    return f"{found:08x}"
