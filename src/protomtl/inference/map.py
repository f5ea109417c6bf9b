"""The map of an export: dev rows of each task in the plane, which step `export` has drawn."""

from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from protomtl.core.paths import MAP


def read_map(folder: Path, task: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vectors [n, width], classes [n] and places [n, 2] of a task. ValueError without a map, or with a damaged one."""
    path = folder / MAP
    if not path.is_file():
        raise ValueError(f"{path}: is not there; an export of format torch or onnx has one")
    try:
        plane = load_file(path)
        vectors, classes, places = (plane[f"{task}.{what}"] for what in ("vectors", "classes", "places"))
    except (OSError, SafetensorError, KeyError) as error:
        raise ValueError(f"{path}: cannot be read: {error}; export the model again") from None
    return vectors, classes, places
