"""CSV files that steps and `keep` wrote, read again: a name stays a name, and a damaged file is told by its path."""

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from protomtl.core.files import MENDS
from protomtl.core.paths import KEPT, real

# Columns of names, which must be there: pandas would take `NA` or `None` for nothing, and `007` for a number.
TABLE = ("method",)
COMPARED = ("split", "method", "reference", "figure")
UNDER_STRESS = ("method", "task", "stress")
CURVE = ("method",)
TEXTS = ("text", "text_a", "text_b", "original", "original_a", "original_b")  # of rows under stress
NAMES = ("label", "source", "backbone", "data", "kind", "right")  # in some of these files


def read_table(path: Path, names: Sequence[str]) -> pd.DataFrame:
    """A table of figures, `names` being its columns of names. SystemExit for a damaged one."""
    with whole(path):
        return table_in(path.read_text(encoding="utf-8"), names)


def table_in(text: str, names: Sequence[str]) -> pd.DataFrame:
    """The table of a file's content. ValueError for a damaged one."""
    header, *rows = csv.reader(io.StringIO(text), strict=True)
    if missing := [name for name in names if name not in header]:
        raise ValueError(f"no column {missing[0]!r}")
    if odd := [number for number, row in enumerate(rows, 2) if len(row) != len(header)]:
        raise ValueError(f"row {odd[0]} has not the columns of the first")
    words = {name: str for name in header if name in (*names, *NAMES)}
    empty = {name: ["", "nan", "NaN"] for name in header if name not in words}
    found: pd.DataFrame = pd.read_csv(io.StringIO(text), dtype=words, keep_default_na=False, na_values=empty)
    return found


def read_rows(path: Path, **options: Any) -> pd.DataFrame:
    """`pd.read_csv` of a file that may be long. SystemExit for a damaged one."""
    with whole(path):
        found: pd.DataFrame = pd.read_csv(path, **options)
        return found


def read_cases(path: Path) -> pd.DataFrame:
    """A table of data/perturbed: texts stay what they are, also a number, and one with a carriage return, which is no
    end of a line and stands there without quotes. SystemExit for a damaged one."""
    return read_rows(path, dtype=dict.fromkeys(("id", *TEXTS), str), keep_default_na=False, lineterminator="\n")


@contextmanager
def whole(path: Path) -> Iterator[None]:
    """Inside, what a reader says of a damaged file is a SystemExit, and so is a last line without an end."""
    try:
        with path.open("rb") as file:
            if not file.read(1) or file.seek(-1, io.SEEK_END) < 0 or file.read(1) != b"\n":
                raise ValueError("empty or cut off")
        yield
    except (ValueError, KeyError, csv.Error) as error:
        raise SystemExit(f"{path}: damaged: {' '.join(str(error).split())}; {mended(path)}") from None


def mended(path: Path) -> str:
    """What to do about a damaged file."""
    kept = real(KEPT) in real(path).parents
    return "restore it by git" if kept else MENDS
