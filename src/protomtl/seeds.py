"""Random numbers by (seed, purpose): no draw depends on what was drawn before it elsewhere."""

import hashlib

import numpy as np


def number(seed: int, *purpose: str | int) -> int:
    """A 63-bit number fixed by the seed and the purpose."""
    digest = hashlib.sha256(repr((seed, *purpose)).encode()).digest()
    return int.from_bytes(digest[:8]) >> 1


def generator(seed: int, *purpose: str | int) -> np.random.Generator:
    """A numpy generator of its own for one purpose."""
    return np.random.default_rng(number(seed, *purpose))


def some_rows(rows: int, most: int, seed: int, *purpose: str | int) -> np.ndarray:
    """Up to `most` of the row numbers 0 .. rows - 1, drawn without replacement, in ascending order."""
    return np.sort(generator(seed, *purpose).choice(rows, min(most, rows), replace=False))
