"""A user's file as a table of text, whatever wrote it: CSV by comma, semicolon or tab, JSON, JSON lines or Parquet."""

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from protomtl.core import tables
from protomtl.own_data import columns as naming
from protomtl.own_data.fields import BadFile, Table, of_objects

SEPARATORS = ("\t", ";", ",", "|")
SAMPLE = 50  # rows by which the separator is chosen


def read(path: Path) -> Table:
    """Any of the formats, by the ending, in any case, with `.gz` or without. Raises BadFile."""
    packed = path.suffix.lower() == ".gz"
    ending = Path(path.stem if packed else path.name).suffix.lower()
    if ending not in FORMATS:
        raise BadFile(f"{path}: unknown ending; save its table as one of {', '.join(FORMATS)}, or as one with .gz")
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
        raise BadFile(f"{path}:{text[:place].count(chr(10)) + 1}: a binary file; a table of text is needed, in UTF-8")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def separated(path: Path, content: bytes) -> Table:
    """CSV with a header line, by the separator that cuts most rows into as many fields as the header."""
    text, said = separator_said(decoded(path, content))
    found = [*records(path, text, said or separator_of(text))]
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
        has = f"; this object has {', '.join(map(repr, found))}"[:200] if isinstance(found, dict) else ""
        raise BadFile(f"{path}: a list of objects is needed, a row each{has}")
    return of_objects(path, [*enumerate(found, 1)])


def parquet(path: Path, content: bytes) -> Table:
    import pyarrow as pa  # heavy
    import pyarrow.parquet as pq

    try:
        found = pq.read_table(pa.BufferReader(content)).to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise BadFile(f"{path}: not valid Parquet: {str(error).splitlines()[0]}") from None
    return of_objects(path, [*enumerate(found, 1)])


FORMATS: dict[str, Callable[[Path, bytes], Table]] = {
    ".csv": separated,
    ".tsv": separated,
    ".txt": separated,
    ".jsonl": json_lines,
    ".ndjson": json_lines,
    ".json": json_list,
    ".parquet": parquet,
}
