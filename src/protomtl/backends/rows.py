"""What all formats share: the tokenizer, the prototypes, rows by their sides."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from protomtl.core.paths import PROTOTYPES
from protomtl.tasks.settings import Task

Row = str | tuple[str, ...]
BATCH = 32  # sequences in one call, of similar length


def refuse_others(path: Path, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """SystemExit if shapes are not those that the record beside them describes."""
    if found != wanted:
        raise SystemExit(f"{path}: is not of the model beside it; export the model again")


def open_tokens(folder: Path) -> Any:
    """The tokenizer as its own library reads it: transformers is not needed. SystemExit for a damaged file."""
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception as error:  # the library raises no other kind
        raise SystemExit(f"{folder / 'tokenizer.json'}: cannot be read: {error}; export the model again") from None
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def read_tensors(path: Path) -> dict[str, np.ndarray]:
    """SystemExit for a damaged file."""
    try:
        found: dict[str, np.ndarray] = load_file(path)
    except (OSError, SafetensorError) as error:
        raise SystemExit(f"{path}: cannot be read as safetensors: {error}; export the model again") from None
    return found


def means_of(folder: Path, tasks: Mapping[str, Task], width: int) -> dict[str, np.ndarray]:
    """The prototypes [classes, width] of each task. SystemExit for those of another model."""
    found = read_tensors(folder / PROTOTYPES)
    wanted = {name: (task.number_of_classes, width) for name, task in tasks.items()}
    refuse_others(folder / PROTOTYPES, {name: means.shape for name, means in found.items()}, wanted)
    return found


def sides(rows: Sequence[Row]) -> list[list[str]]:
    """The first texts of all rows, and the second ones of pairs."""
    return [[*side] for side in zip(*([row] if isinstance(row, str) else row for row in rows), strict=True)]
