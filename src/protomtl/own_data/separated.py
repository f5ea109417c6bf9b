"""Tables of text with separators, whatever wrote them: CSV by comma, semicolon, tab or bar."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from protomtl.core import tables
from protomtl.own_data import columns as naming
from protomtl.own_data.fields import BadFile, Table, decoded

SEPARATORS = ("\t", ";", ",", "|")
SAMPLE = 50  # rows by which the separator is chosen
OTHERWISE: tuple[Mapping[str, Any], ...] = (  # what csv is told of files that most programs do not write
    {"skipinitialspace": True},  # blanks behind the separators
    {"escapechar": "\\", "doublequote": False},  # a backslash before a quote within quotes: Spark, MySQL, R
)
QUOTED = re.compile(r' +".*"', re.S)

Record = tuple[int, list[str]]  # the line on which it begins, and its fields


def read(path: Path, content: bytes) -> Table:
    """A table with a header line, by the separator that cuts most rows into as many fields as the header."""
    text, said = separator_said(decoded(path, content))
    found = whole(path, text, said or separator_of(text))
    if not found:
        raise BadFile(f"{path}: no rows")
    (_, header), *rest = found
    columns = [name.strip() for name in header]
    for line, fields in rest:
        if len(fields) != len(columns):
            raise BadFile(f"{path}:{line}: {len(fields)} fields where the header has {len(columns)}: {fields!s:.200}")
        if fields == header:
            raise BadFile(f"{path}:{line}: the names of the columns once more; remove this line")
    refuse_headless(path, columns, [fields for _, fields in rest])
    columns = [name or f"unnamed_{place}" for place, name in enumerate(columns, 1)]  # as spreadsheets leave them
    return Table(path, columns, [fields for _, fields in rest], [line for line, _ in rest])


def separator_said(text: str) -> tuple[str, str]:
    """The text, and the separator that a spreadsheet names in a line before the header, `sep=;`; the line is left
    empty, so that all others keep their numbers."""
    line, _, rest = text.partition("\n")
    found = re.fullmatch(r'"?sep=(.)"?', line.rstrip("\r"), re.I)
    return (f"\n{rest}", found[1]) if found else (text, "")


def separator_of(text: str) -> str:
    """Of those that are in the header, that by which most rows are as long as the header, then the longer rows."""

    def fit(separator: str) -> tuple[int, int]:
        reader = csv.reader(io.StringIO(text), delimiter=separator)
        try:
            header, *rows = (fields for fields, _ in zip(reader, range(SAMPLE), strict=False) if fields)
        except (csv.Error, ValueError):
            return (-1, 0)
        return (sum(len(row) == len(header) for row in rows) if len(header) > 1 else -1, len(header))

    return max(SEPARATORS, key=fit)


def whole(path: Path, text: str, separator: str) -> list[Record]:
    """The records as most programs write them, or else, where these leave doubt, as others do. Raises BadFile."""
    found: list[Record] = []
    wrong = None
    try:
        found = [*records(path, text, separator)]
    except BadFile as error:
        wrong = error
    for otherwise in OTHERWISE if wrong or doubtful(found) else ():
        with suppress(BadFile):
            other = [*records(path, text, separator, otherwise)]
            if not doubtful(other) and not (separator == "\t" and torn(other)):
                return other
    if wrong:
        raise wrong
    return found


def doubtful(found: Sequence[Record]) -> bool:
    """Whether a record is not as long as the header, or a field has its quotes behind a blank."""
    return any(len(fields) != len(found[0][1]) or any(map(QUOTED.fullmatch, fields)) for _, fields in found)


def torn(found: Sequence[Record]) -> bool:
    """Whether a field has line breaks and tabs: rather it is rows between two stray quotes."""
    return any("\n" in value and "\t" in value for _, fields in found for value in fields)


def records(path: Path, text: str, separator: str, otherwise: Mapping[str, Any] | None = None) -> Iterator[Record]:
    """Each record; blank lines are none. otherwise: one of OTHERWISE, in which tabs may have line breaks within quotes,
    too. Raises BadFile."""
    if separator == "\t" and not otherwise:  # a record is one line, and a quote there is often a mere character
        lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line]
        width = len(fields_of_tabs(lines[0][1])) if lines else 0
        yield from ((number, fields_of_tabs(line, width)) for number, line in lines)
        return
    reader = csv.reader(io.StringIO(text), delimiter=separator, strict=True, **(otherwise or {}))
    line = 1
    try:
        for fields in reader:
            if fields:
                yield line, fields
            line = reader.line_num + 1
    except csv.Error as error:
        raise BadFile(f"{path}:{line}: not valid CSV: {tables.reason(error, '; close it')}") from None


def fields_of_tabs(line: str, width: int = 0) -> list[str]:
    """Quotes count where they enclose whole fields; else they are characters, as where only so there are as many fields
    as the header has: then a speech begins in one text and ends in the next."""
    plain = line.split("\t")
    try:
        quoted = next(csv.reader([line], delimiter="\t", strict=True))
    except csv.Error:
        return plain
    return plain if len(plain) == width != len(quoted) else quoted


def refuse_headless(path: Path, columns: list[str], rows: list[list[str]]) -> None:
    """BadFile for a first line that is a row: a name of a column is neither a number nor a sentence, and names that say
    nothing of texts are none of the values below them."""
    for name in columns:
        sentence = len(name.split()) > 6 or (len(name.split()) > 2 and name.endswith((".", "!")))
        if name.replace(".", "", 1).replace("-", "", 1).isdigit() or sentence:
            raise headless(path, name)
    if any(naming.NUMBERED.search(name) or naming.IDS.search(name) for name in columns):
        return
    for place, name in enumerate(columns):
        if any(row[place].strip() == name for row in rows):
            raise headless(path, name)


def headless(path: Path, name: str) -> BadFile:
    return BadFile(f"{path}:1: {name[:60]!r} is no name of a column; give the file a line of names at its top")
