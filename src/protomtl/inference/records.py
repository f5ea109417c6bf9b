"""The user's own rows, outside the pipeline: CSV, TSV, JSON lines or plain text in; CSV or JSON lines out."""

import csv
import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

from protomtl.core.files import atomic

FORMATS = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".txt": "text"}
LONGEST = 1 << 20  # characters of one line: more is no row of text
STREAM = "-"  # standard input or output

Record = dict[str, Any]


class BadInput(Exception):
    """The message names file and line and says what to do."""


def format_of(path: str, chosen: str | None) -> str:
    """The format that was chosen, or that the ending says; a stream holds plain text lines."""
    found = chosen or ("text" if path == STREAM else FORMATS.get(Path(path).suffix))
    if found is None:
        raise BadInput(f"{path}: unknown ending; use {', '.join(FORMATS)} or say --format")
    return found


def read(path: str, chosen: str | None = None) -> Iterator[tuple[str, Record]]:
    """(place, row) of each row, while they are read; place: FILE:LINE. Plain text has the one column `text`.

    Raises BadInput for what is not there, empty, binary, not UTF-8, too long a line, or malformed.
    """
    rows = {"csv": table, "tsv": table, "jsonl": json_lines, "text": plain}[format_of(path, chosen)]
    line = 0
    with opened(path) as file:
        for line, row in rows(path, checked(path, file)):
            yield f"{path}:{line}", row
    if not line:
        raise BadInput(f"{path}: no rows")


@contextmanager
def opened(path: str) -> Iterator[IO[str]]:
    how: dict[str, Any] = {"encoding": "utf-8-sig", "errors": "surrogateescape", "newline": ""}
    try:
        file = open(0, closefd=False, **how) if path == STREAM else Path(path).open(**how)  # noqa: SIM115
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from None
    with file:
        yield file


def checked(path: str, file: IO[str]) -> Iterator[str]:
    """The lines of a file, if they are text."""
    line = 0
    while text := file.readline(LONGEST + 1):
        line += 1
        if len(text) > LONGEST:
            raise BadInput(f"{path}:{line}: the line has more than {LONGEST:,} characters; one row a line is needed")
        if "\0" in text:
            raise BadInput(f"{path}:{line}: a binary file; a text file is needed")
        if any("\udc80" <= c <= "\udcff" for c in text):
            raise BadInput(f"{path}:{line}: not UTF-8; save the file as UTF-8")
        yield text


def table(path: str, lines: Iterable[str]) -> Iterator[tuple[int, Record]]:
    """Rows of a CSV or TSV file (the header says which) as header -> field."""
    lines = iter(lines)
    first = next(lines, "")
    joined = (line for part in ([first], lines) for line in part)
    reader = csv.reader(joined, delimiter="\t" if "\t" in first else ",", strict=True)
    try:
        header = next(reader, [])
        for fields in reader:
            if not fields:  # a blank line is not a row
                continue
            if len(fields) != len(header):
                raise BadInput(f"{path}:{reader.line_num}: {len(fields)} fields where the header has {len(header)}")
            yield reader.line_num, dict(zip(header, fields, strict=True))
    except csv.Error as error:
        raise BadInput(f"{path}:{reader.line_num}: not valid CSV: {error}") from None


def json_lines(path: str, lines: Iterable[str]) -> Iterator[tuple[int, Record]]:
    """An object a line."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise BadInput(f"{path}:{number}: not valid JSON: {error}") from None
        if not isinstance(row, dict):
            raise BadInput(f'{path}:{number}: an object is needed, such as {{"text": "…"}}')
        yield number, row


def plain(path: str, lines: Iterable[str]) -> Iterator[tuple[int, Record]]:
    """A text a line; blank lines are left out."""
    return ((number, {"text": line.strip()}) for number, line in enumerate(lines, 1) if line.strip())


def texts(rows: Iterable[tuple[str, Record]], columns: list[str]) -> Iterator[tuple[Record, tuple[str, ...]]]:
    """Each row with its texts in `columns`. Raises BadInput for a column that is missing or empty."""
    for place, row in rows:
        if missing := [c for c in columns if c not in row]:
            there = ", ".join(map(repr, row))
            raise BadInput(f"{place}: no column {missing[0]!r}; there is {there}: say --columns")
        found = tuple(row[c].strip() if isinstance(row[c], str) else "" for c in columns)
        if not all(found):
            raise BadInput(f"{place}: column {columns[found.index('')]!r} holds no text")
        yield row, found


def write(path: str, rows: Iterable[Record], as_json: bool) -> None:
    """Write rows as they come, as JSON lines or CSV. A file appears when it is whole."""
    with ExitStack() as stack:
        if path == STREAM:
            file: IO[str] = sys.stdout
        else:
            file = stack.enter_context(stack.enter_context(atomic(path)).open("w", encoding="utf-8", newline=""))
        head, writer = [""], csv.writer(file, lineterminator="\n")
        for number, row in enumerate(rows, 1):
            if as_json:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
                continue
            if number == 1:
                writer.writerow(head := list(row))
            if list(row) != head:
                raise BadInput(f"{path}: row {number} has other columns than the first; write .jsonl")
            writer.writerow(row.values())
