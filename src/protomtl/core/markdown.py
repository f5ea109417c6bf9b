"""Tables for people, as Markdown."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence

from tabulate import tabulate

UNDEFINED = "n/a"  # a figure that says nothing: see metrics.py


def number(value: float | None, form: str = ".3f") -> str:
    """A figure for people."""
    return UNDEFINED if value is None or not math.isfinite(value) else format(value, form)


def in_a_line(figures: Mapping[str, float]) -> str:
    """`overall 0.712, sst 0.587`: figures behind their names."""
    return ", ".join(f"{name} {number(value)}" for name, value in figures.items())


def span(low: float, high: float, form: str = "+.3f") -> str:
    """`-0.003 to +0.040`, of a difference; in another form of another figure."""
    return f"{low:{form}} to {high:{form}}"


def plain(text: str) -> str:
    """A text in one line, whose signs mean nothing to Markdown or HTML."""
    return re.sub(r"([\\|*_`<$\[])", r"\\\1", " ".join(text.split()))


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; cells stay as they are, also those that look like numbers, and a bar within one is a bar."""
    cells = [[cell.replace("|", r"\|") for cell in row] for row in (head, *rows)]
    text: str = tabulate(cells[1:], headers=cells[0], tablefmt="github", disable_numparse=True, stralign=None)
    return text
