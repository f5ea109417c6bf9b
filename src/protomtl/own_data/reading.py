"""A user's file as a table of text, whatever wrote it: CSV by comma, semicolon or tab, JSON, JSON lines or Parquet."""

import csv
import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from protomtl.core import tables

SEPARATORS = ("\t", ";", ",", "|")
SAMPLE = 50  # rows by which the separator is chosen
BETWEEN = "; "  # the parts of a list, in one field


class BadFile(Exception):
    """The message names file and line and says what to do."""


class Table(NamedTuple):
    """Rows of text under their columns, and the line (of Parquet the row) on which each stands."""

    path: Path
    columns: list[str]
    rows: list[list[str]]
    lines: list[int]


def read(path: Path) -> Table:
    """Any of the formats, by the ending, in any case, with `.gz` or without. Raises BadFile."""
    packed = path.suffix.lower() == ".gz"
    ending = Path(path.stem if packed else path.name).suffix.lower()
    if ending not in FORMATS:
        raise BadFile(f"{path}: unknown ending; rename it to one of {', '.join(FORMATS)}, or to one of these with .gz")
    try:
        content = path.read_bytes()
        content = gzip.decompress(content) if packed else content
    except (OSError, EOFError, zlib.error) as error:
        raise BadFile(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    table = FORMATS[ending](path, content)
    table = table._replace(columns=[" ".join(name.split()) for name in table.columns])  # as it will be written
    if twice := tables.repeated(table.columns):
        raise BadFile(f"{path}: two columns are named {twice[0]!r}; rename one")
    if not table.rows:
        raise BadFile(f"{path}: no rows")
    return table


def decoded(path: Path, content: bytes) -> str:
    """UTF-8, or UTF-16 with a byte order mark; line ends become newlines. Raises BadFile with the line."""
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        text = content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise BadFile(f"{path}:{line}: not UTF-8 nor UTF-16 with a byte order mark; save it as UTF-8") from None
    if (place := text.find("\0")) >= 0:
        raise BadFile(f"{path}:{text[:place].count(chr(10)) + 1}: a binary file; a table of text is needed")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def separated(path: Path, content: bytes) -> Table:
    """CSV with a header line, by the separator that cuts most rows into as many fields as the header."""
    text = decoded(path, content)
    found = [*records(path, text, separator_of(text))]
    if not found:
        raise BadFile(f"{path}: no rows")
    (_, header), *rest = found
    columns = [name.strip() for name in header]
    refuse_headless(path, columns)
    for line, fields in rest:
        if len(fields) != len(columns):
            raise BadFile(f"{path}:{line}: {len(fields)} fields where the header has {len(columns)}: {fields}")
    return Table(path, columns, [fields for _, fields in rest], [line for line, _ in rest])


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


def records(path: Path, text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """(line on which it begins, fields) of each record; blank lines are none."""
    if separator == "\t":  # a record of TSV is one line, and a quote there is often a mere character
        yield from ((n, fields_of_tabs(line)) for n, line in enumerate(text.split("\n"), 1) if line)
        return
    reader = csv.reader(io.StringIO(text), delimiter=separator, strict=True)
    line = 1
    try:
        for fields in reader:
            if fields:
                yield line, fields
            line = reader.line_num + 1
    except csv.Error as error:
        raise BadFile(f"{path}:{line}: not valid CSV: {tables.reason(error, '; close it')}") from None


def fields_of_tabs(line: str) -> list[str]:
    """Quotes count where they enclose whole fields; else they are characters."""
    try:
        return next(csv.reader([line], delimiter="\t", strict=True))
    except csv.Error:
        return line.split("\t")


def refuse_headless(path: Path, columns: list[str]) -> None:
    """BadFile for a first line that is a row: a name of a column is neither a number nor a sentence."""
    for name in columns:
        if name.replace(".", "", 1).replace("-", "", 1).isdigit() or len(name.split()) > 6:
            raise BadFile(f"{path}:1: {name[:60]!r} is no name of a column; give the file a line of names at its top")


def json_lines(path: Path, content: bytes) -> Table:
    """An object a line."""
    found = []
    for number, line in enumerate(decoded(path, content).split("\n"), 1):
        if line.strip():
            try:
                found.append((number, json.loads(line, object_pairs_hook=tables.one_of_each)))
            except (ValueError, RecursionError) as error:
                raise BadFile(f"{path}:{number}: not valid JSON: {error}") from None
    return of_objects(path, found)


def json_list(path: Path, content: bytes) -> Table:
    """A list of objects."""
    try:
        found = json.loads(decoded(path, content), object_pairs_hook=tables.one_of_each)
    except (ValueError, RecursionError) as error:
        raise BadFile(f"{path}: not valid JSON: {error}; for an object a line the ending is .jsonl") from None
    if not isinstance(found, list):
        raise BadFile(f"{path}: a list of objects is needed")
    return of_objects(path, [*enumerate(found, 1)])


def parquet(path: Path, content: bytes) -> Table:
    import pyarrow as pa  # heavy
    import pyarrow.parquet as pq

    try:
        found = pq.read_table(pa.BufferReader(content)).to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise BadFile(f"{path}: not valid Parquet: {str(error).splitlines()[0]}") from None
    return of_objects(path, [*enumerate(found, 1)])


def of_objects(path: Path, objects: list[tuple[int, Any]]) -> Table:
    """Objects as rows of text; a name that an object lacks is an empty field."""
    columns: dict[str, None] = {}
    for line, row in objects:
        if not isinstance(row, dict):
            raise BadFile(f'{path}:{line}: an object is needed, such as {{"text": "…", "label": "…"}}')
        columns |= dict.fromkeys(map(str, row))
    rows = [[cell(path, line, row.get(name)) for name in columns] for line, row in objects]
    return Table(path, [cell(path, 1, name) for name in columns], rows, [line for line, _ in objects])


def cell(path: Path, line: int, value: Any) -> str:
    """A value as it stands in a CSV file. BadFile for what is no text, number, boolean or list of these."""
    if value is None or value != value:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return BETWEEN.join(cell(path, line, part) for part in value)
    if isinstance(value, (dict, bytes)):
        raise BadFile(f"{path}:{line}: {str(value)[:60]} is neither text nor number; give the file plain columns")
    if any("\ud800" <= c <= "\udfff" for c in str(value)):
        raise BadFile(f"{path}:{line}: {value!r:.60} has half of a pair that stands for one character; remove it")
    return str(value)


FORMATS: dict[str, Callable[[Path, bytes], Table]] = {
    ".csv": separated,
    ".tsv": separated,
    ".txt": separated,
    ".jsonl": json_lines,
    ".ndjson": json_lines,
    ".json": json_list,
    ".parquet": parquet,
}
