"""Reading labelled texts: every row is checked where it enters, and a bad one is named by file, line and value."""

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from protomtl.tasks.settings import Task

csv.field_size_limit(1 << 24)


@dataclass(frozen=True)
class Row:
    """One example: its id, its text or its two texts, and its label (None where labels are not public)."""

    id: str
    texts: tuple[str, ...]
    label: float | None


class BadRow(ValueError):
    """A row that does not fit its task; the message names file, line and value."""

    def __init__(self, path: Path, line: int, problem: str) -> None:
        super().__init__(f"{path}:{line}: {problem}")


def checked_row(path: Path, line: int, task: Task, identifier: str, texts: list[str], label: str | None) -> Row:
    """Check one row; `label` None means that the file has no labels. Raises BadRow."""
    for column, text in zip(["id", *task.texts], [identifier, *texts], strict=True):
        if any("\udc80" <= c <= "\udcff" for c in text):
            raise BadRow(path, line, f"column {column!r} is not UTF-8: {text[:60]!r}; save the file as UTF-8")
        if not text.strip():
            raise BadRow(path, line, f"column {column!r} is empty")
    value = None if label is None else checked_label(path, line, task, label)
    return Row(identifier, tuple(t.strip() for t in texts), value)


def checked_label(path: Path, line: int, task: Task, label: str) -> float:
    """The label as a number within the bounds of the task. Raises BadRow."""
    try:
        value = float(label)
    except ValueError:
        raise BadRow(path, line, f"column {task.label!r}: {label!r} is not a number") from None
    low, high = task.bounds
    if not math.isfinite(value) or not low <= value <= high or not task.what.is_label(value):
        raise BadRow(
            path, line, f"column {task.label!r}: {label!r} is not a {task.kind} label from {low:g} to {high:g}"
        )
    return value


def read_table(path: Path, task: Task, labelled: bool) -> Iterator[Row | BadRow]:
    """Rows of a CSV or TSV file with a header line (tab-separated if the header has a tab, else commas).

    Bad rows are yielded as BadRow, so that the caller decides; a missing column raises BadRow at once.
    Without `labelled` (test files) the label column may be missing. `id` is a column or the line number.
    """
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        delimiter = "\t" if "\t" in file.readline() else ","
        file.seek(0)
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        header = next(reader, [])
        needed = [*task.texts, task.label] if labelled or task.label in header else task.texts
        if missing := [c for c in needed if c not in header]:
            raise BadRow(path, 1, f"missing column {', '.join(map(repr, missing))}; the header has {header}")
        while True:
            try:
                fields = next(reader)
                if fields:  # a blank line is not a row
                    yield table_row(path, reader.line_num, task, header, fields)
            except StopIteration:
                return
            except csv.Error as error:
                yield BadRow(path, reader.line_num, f"not valid CSV: {error}")
            except BadRow as error:
                yield error


def table_row(path: Path, line: int, task: Task, header: list[str], fields: list[str]) -> Row:
    """One record of a table as a checked row. Raises BadRow."""
    if len(fields) != len(header):
        raise BadRow(path, line, f"{len(fields)} fields where the header has {len(header)}: {fields}")
    record = dict(zip(header, fields, strict=True))
    texts = [record[c] for c in task.texts]
    identifier = record.get("id", "").strip() or f"line-{line}"
    return checked_row(path, line, task, identifier, texts, record.get(task.label))


def read_lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Line number and tab-separated fields of a file without header or quoting."""
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        for line, text in enumerate(file, start=1):
            yield line, text.rstrip("\r\n").split("\t")
