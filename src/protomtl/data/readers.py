"""Reading labelled texts: every row is checked where it enters, and a bad one is named by file, line and value."""

import csv
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from pathlib import Path

import numpy as np

from protomtl.core import tables
from protomtl.tasks.settings import Task

UNLABELLED = ("", "-1", "-1.0")  # what stands for the labels of a test split that are not public (GLUE: -1)


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
        if "\0" in text:
            raise BadRow(path, line, f"column {column!r} has a NUL: {text[:60]!r}; no text has one")
    if "\n" in identifier or "\r" in identifier:
        raise BadRow(path, line, f"column 'id' has a line break: {identifier[:60]!r}")
    value = None if label is None else checked_label(path, line, task, label)
    return Row(identifier, tuple(t.strip() for t in texts), value)


def checked_label(path: Path, line: int, task: Task, label: str) -> float:
    """The label, a name or a number, as the number that stands for it. Raises BadRow."""
    value = task.what.read(task, label)
    if value is None:
        wanted = f"is not a {task.kind} label {task.what.wanted(task)}"
        raise BadRow(path, line, f"column {task.label!r}: {label!r:.80} {wanted}")
    return value


def read_table(path: Path, task: Task, labelled: bool) -> Iterator[Row | BadRow]:
    """Rows of a CSV or TSV file with a header line (tab-separated if the header has a tab, else commas).

    Bad rows are yielded as BadRow, so that the caller decides; a missing column, one that is there twice, or a quote
    that is never closed raises BadRow. Without `labelled` (test files) the label column may be missing, or say
    nothing: see `says_nothing`. `id` is a column or the line number; a row whose id an earlier good row has is bad,
    since ids tell what belongs together in all that comes later.
    """
    found = table_lines(path)
    _, header = next(found)
    if isinstance(header, csv.Error):
        raise BadRow(path, 1, f"not valid CSV: {header}")
    if any(c == "\0" or "\udc80" <= c <= "\udcff" for c in "".join(header)):
        raise BadRow(path, 1, "the header is not UTF-8; save the file as UTF-8")
    label = task.label if labelled or task.label in header else None
    needed = [*task.texts, *([label] if label else [])]
    if missing := [c for c in needed if c not in header]:
        raise BadRow(path, 1, f"missing column {', '.join(map(repr, missing))}; the header has {header!s:.200}")
    if twice := [c for c in tables.repeated(header) if c in (*needed, "id")]:
        raise BadRow(path, 1, f"two columns are named {twice[0]!r}; rename one")
    if not labelled and label and says_nothing(path, task, header.index(label)):
        label = None
    repeated = repeated_ids(path, header)
    known: set[str] = set()
    for line, fields in found:
        try:
            row = table_row(path, line, task, header, fields, label)
            if row.id in known:
                raise BadRow(path, line, f"column 'id': {row.id!r:.80} is the id of an earlier row too; change one")
            if repeated and digest(row.id) in repeated:
                known.add(row.id)
            yield row
        except BadRow as error:
            if isinstance(fields, tables.Unclosed):  # it hides all rows behind it
                raise
            yield error


def table_lines(path: Path) -> Iterator[tuple[int, tables.Fields]]:
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="\n") as file:
        yield from tables.rows(file)


def says_nothing(path: Path, task: Task, column: int) -> bool:
    """Whether all labels of a file are empty or -1, where -1 is no label of the task; not so without a row.

    An empty one is a label where a row may have no class; but a file of nothing else is one without labels there, too.
    """
    nothing = [word for word in UNLABELLED if not word or task.what.read(task, word) is None]
    rows = (fields for _, fields in islice(table_lines(path), 1, None) if isinstance(fields, list))
    labels = (fields[column].strip() for fields in rows if len(fields) > column)
    return next(labels, "a label") in nothing and all(label in nothing for label in labels)


def repeated_ids(path: Path, header: list[str]) -> set[int]:
    """The digests of the ids that several rows of a file have: 8 bytes a row are held, so that any file can be read."""
    if "id" not in header:
        return set()
    column, found = header.index("id"), array("Q")
    for line, fields in islice(table_lines(path), 1, None):
        if isinstance(fields, list) and len(fields) == len(header):
            found.append(digest(id_of(fields[column], line)))
    digests = np.sort(np.asarray(found, np.uint64))
    return set(digests[1:][digests[1:] == digests[:-1]].tolist())


def id_of(text: str, line: int) -> str:
    return text.strip() or f"line-{line}"


def digest(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(errors="surrogateescape"), digest_size=8).digest())


def table_row(path: Path, line: int, task: Task, header: list[str], fields: tables.Fields, label: str | None) -> Row:
    """One record of a table as a checked row; `label`: the column, if there is one. Raises BadRow."""
    if isinstance(fields, csv.Error):
        raise BadRow(path, line, f"not valid CSV: {fields}")
    if len(fields) != len(header):
        raise BadRow(path, line, f"{len(fields)} fields where the header has {len(header)}: {fields!s:.200}")
    record = dict(zip(header, fields, strict=True))
    texts = [record[c] for c in task.texts]
    return checked_row(path, line, task, id_of(record.get("id", ""), line), texts, record[label] if label else None)


def read_lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Line number and tab-separated fields of a file without header or quoting."""
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        for line, text in enumerate(file, start=1):
            yield line, text.rstrip("\r\n").split("\t")
