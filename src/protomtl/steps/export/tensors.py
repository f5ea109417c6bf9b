"""Arrays as safetensors."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors.numpy import save


def write(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Row by row, whatever their order in memory is: the library writes memory as it lies, and reads it row by row."""
    path.write_bytes(save({name: np.ascontiguousarray(array) for name, array in arrays.items()}))
