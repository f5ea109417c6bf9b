"""The user's own rows, outside the pipeline: CSV, TSV, JSON lines or plain text in; CSV or JSON lines out."""

import csv
import json
import math
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import IO, Any

from protomtl.core import tables
from protomtl.core.users_files import users_file
from protomtl.inference.lines import STREAM, BadInput, checked, opened, packed

FORMATS = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".txt": "text"}

Record = dict[str, Any]
Placed = tuple[str, Record]  # a row, behind FILE:LINE where it stands


def format_of(path: str, chosen: str | None) -> str:
    """The format that was chosen, or that the ending says, in any case and before `.gz`; a stream holds plain text
    lines."""
    ending = Path(Path(path).stem if packed(path) else path).suffix.lower()
    found = chosen or ("text" if path == STREAM else FORMATS.get(ending))
    if found is None:
        raise BadInput(f"{path or repr(path)}: unknown ending; use {', '.join(FORMATS)} or say --format")
    return found


def refuse_unreadable(path: str, chosen: str | None = None) -> None:
    """BadInput for a file that is not there, closed to us, or of no known format: before a model is loaded for it."""
    format_of(path, chosen)
    if path != STREAM and Path(path).is_fifo():  # what is written into it can be read once
        return
    with opened(path):
        pass


def read(path: str, chosen: str | None = None) -> Iterator[Placed]:
    """The rows, while they are read. Plain text has the one column `text`.

    Raises BadInput for what is not there, empty, binary, not UTF-8, too long a line, or malformed.
    """
    rows = {"csv": table, "tsv": table, "jsonl": json_lines, "text": plain}[format_of(path, chosen)]
    line = 0
    with opened(path) as file:
        for line, row in rows(path, checked(path, file)):
            yield f"{path}:{line}", row
    if not line:
        raise BadInput(f"{path}: no rows")


def table(path: str, lines: Iterable[str]) -> Iterator[tuple[int, Record]]:
    """Rows of a CSV or TSV file (the header says which) as header -> field."""
    header: list[str] | None = None
    for line, fields in tables.rows(lines):
        if isinstance(fields, csv.Error):
            raise BadInput(f"{path}:{line}: not valid CSV: {fields}")
        if header is None:
            header = fields
            if twice := tables.repeated(header):
                raise BadInput(f"{path}:{line}: two columns are named {twice[0]!r}; rename one")
            continue
        if len(fields) != len(header):
            raise BadInput(f"{path}:{line}: {len(fields)} fields where the header has {len(header)}{separated(header)}")
        yield line, dict(zip(header, fields, strict=True))


def separated(header: Iterable[str]) -> str:
    """What to say of one column whose name looks like those of several; nothing of another header."""
    names = [*header]
    sign = next((sign for sign in ";|" if len(names) == 1 and sign in names[0]), "")
    return f"; {sign!r} seems to separate its columns: write commas or tabs" if sign else ""


def json_lines(path: str, lines: Iterable[str]) -> Iterator[tuple[int, Record]]:
    """An object a line; a blank line is none."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line, object_pairs_hook=tables.one_of_each, parse_float=finite, parse_constant=finite)
            if "\\u" in line:
                refuse_no_text(row)
        except (ValueError, RecursionError) as error:
            raise BadInput(f"{path}:{number}: not valid JSON: {error}") from None
        if not isinstance(row, dict):
            raise BadInput(f'{path}:{number}: an object is needed, such as {{"text": "…"}}')
        yield number, row


def finite(number: str) -> float:
    """A number of JSON. ValueError for NaN and for infinite ones, which JSON has not."""
    if not math.isfinite(value := float(number)):
        raise ValueError(f"{number:.40} is no finite number; write null, or a string")
    return value


def refuse_no_text(value: Any) -> None:
    """ValueError if a string in it has what no text has: NUL, or half of a pair that stands for one character."""
    if isinstance(value, str):
        if found := re.search("[\0\ud800-\udfff]", value):
            raise ValueError(f"\\u{ord(found[0]):04x} in {value[:60]!r} is no character; remove it")
    elif isinstance(value, (dict, list)):
        for inner in chain(value, value.values()) if isinstance(value, dict) else value:
            refuse_no_text(inner)


def plain(path: str, lines: Iterable[str]) -> Iterator[tuple[int, Record]]:
    """A text a line. BadInput for a blank line before the last text, or rows and lines would not fit each other."""
    blank = 0
    for number, line in enumerate(lines, 1):
        if not line.strip():
            blank = blank or number
            continue
        if blank:
            raise BadInput(f"{path}:{blank}: the line is blank; remove it, or give it a text")
        if "\r" in line.rstrip("\r\n"):
            raise BadInput(f"{path}:{number}: a lone carriage return; remove it, or end lines with a newline")
        yield number, {"text": line.strip()}


def texts(rows: Iterable[Placed], columns: list[str]) -> Iterator[tuple[str, Record, tuple[str, ...]]]:
    """Where each row stands, the row, and its texts in `columns`. BadInput for a column that is missing or empty."""
    for place, row in rows:
        if missing := [c for c in columns if c not in row]:
            there = ", ".join(map(repr, row))
            raise BadInput(f"{place}: no column {missing[0]!r}; there is {there}{separated(row) or ': say --columns'}")
        found = tuple(row[c].strip() if isinstance(row[c], str) else "" for c in columns)
        if not all(found):
            column = columns[found.index("")]
            said = "" if isinstance(row[column], str) else f", but {json.dumps(row[column], ensure_ascii=False):.80}"
            raise BadInput(f"{place}: column {column!r} holds no text{said}")
        yield place, row, found


def write(path: str, rows: Iterable[Placed], as_json: bool, force: bool = False) -> None:
    """Write rows as they come, as JSON lines or CSV, in UTF-8. A file appears when it is whole.

    BadInput for a row that has other columns than the first, where a table is to be written.
    """
    with output(path, force) as file:
        head: list[str] = []
        writer = csv.writer(file, lineterminator="\n")
        quoting = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
        for place, row in rows:
            if as_json:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
                continue
            if not head:  # a mark at the beginning of a file is not part of its text
                head = [*row]
                (quoting if any({*"\r\t\ufeff"} & {*name} for name in row) else writer).writerow(row)
            refuse_others(place, row, head)
            cells = [cell(row[name]) for name in head]
            # csv does not know that readers take a carriage return for the end of a row
            (quoting if any("\r" in str(value) for value in cells) else writer).writerow(cells)


def refuse_others(place: str, row: Record, head: list[str]) -> None:
    """BadInput for a row that has other columns than the first, in whatever order."""
    lacking, more = [name for name in head if name not in row], [name for name in row if name not in head]
    if lacking or more:
        said = (
            f"no column {lacking[0]!r}, which the first row has"
            if lacking
            else f"column {more[0]!r} is not in the first row"
        )
        raise BadInput(f"{place}: {said}; give all rows the same columns, or write --output NAME.jsonl")


def cell(value: Any) -> Any:
    """A value as a field of CSV: texts and numbers as they are, nothing for null, all else as JSON."""
    plain = value is None or (isinstance(value, (str, int, float)) and not isinstance(value, bool))
    return value if plain else json.dumps(value, ensure_ascii=False)


@contextmanager
def output(path: str, force: bool) -> Iterator[IO[str]]:
    """The file, or standard output whatever the locale says of its encoding."""
    if path == STREAM:
        sys.stdout.flush()
        with open(1, "w", encoding="utf-8", newline="", closefd=False) as file:
            yield file
    else:
        with users_file(path, force) as part, part.open("w", encoding="utf-8", newline="") as file:
            yield file
