"""The rows that a call is given: many in any order of things, or one by itself."""

import sys
from collections.abc import Iterable, Iterator, Mapping, Set, Sized
from itertools import islice
from numbers import Integral
from typing import Any, cast

import numpy as np

BLOCK = 1024  # rows that are encoded at a time: sorted by length among themselves

Row = str | tuple[str, str]  # a text, or a pair of texts
Rows = Row | Iterable[Row]


def asked(rows: Rows, texts: int, batch_size: int, show_progress_bar: bool) -> tuple[Iterator[list[Row]], bool]:
    """The rows, `batch_size` at a time, and whether they are one row by itself. Errors: see `checked`."""
    check_number("batch_size", batch_size)
    one = alone(rows, texts)
    many: Iterable[Row] = [cast(Row, rows)] if one else rows
    found = checked(many, texts)
    if show_progress_bar:
        from tqdm import tqdm  # only here

        found = iter(tqdm(found, unit=" rows", total=len(many) if isinstance(many, Sized) else None))
    return blocks(found, batch_size), one


def check_number(name: str, value: Any) -> None:
    """ValueError for what is no whole number above 0."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise ValueError(f"{name}={value!r}: must be a whole number above 0")


def alone(rows: Any, texts: int) -> bool:
    """Whether this is one row, not many: a text, or two texts where a row has two."""
    if texts == 1:
        return isinstance(rows, str)
    return isinstance(rows, (tuple, list)) and len(rows) == 2 and all(isinstance(part, str) for part in rows)


def checked(rows: Iterable[Row], texts: int) -> Iterator[Row]:
    """The rows, if each is a text, or a pair of texts; else a TypeError with its number, and one for what has no rows
    of its own or no order of them. ValueError for a text that cannot be written in UTF-8."""
    needed = "a pair of texts" if texts == 2 else "a text"
    if isinstance(rows, str):
        raise TypeError(f"a list is needed, {needed} each, not one text")
    unordered = isinstance(rows, (bytes, bytearray, Mapping, Set)) or hasattr(rows, "columns")  # of a table
    if unordered or not isinstance(rows, Iterable) or (isinstance(rows, np.ndarray) and not rows.ndim):
        kind = type(rows).__name__
        raise TypeError(f"a list is needed, {needed} each, not {kind}; of a table give the columns of texts")
    for number, row in enumerate(rows):
        parts = tuple(row) if isinstance(row, (tuple, list)) or (isinstance(row, np.ndarray) and row.ndim) else (row,)
        if len(parts) != texts or not all(isinstance(part, str) for part in parts):
            raise TypeError(f"row {number}: {needed} is needed, not {row!r:.80}")
        if any("\ud800" <= c <= "\udfff" for part in parts if not part.isascii() for c in part):
            raise ValueError(f"row {number}: {row!r:.80} has half of a pair that stands for one character; remove it")
        yield cast(Row, parts if texts == 2 else parts[0])


def blocks(rows: Iterator[Row], size: int) -> Iterator[list[Row]]:
    """So many rows at a time."""
    while block := list(islice(rows, min(size, sys.maxsize))):
        yield block


def stacked(rows: Iterable[np.ndarray], width: int) -> np.ndarray:
    """[n, width] of n rows, none too."""
    found = list(rows)
    return np.stack(found) if found else np.empty((0, width), np.float32)
