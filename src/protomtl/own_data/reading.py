"""A user's file as a table of text, whatever wrote it: text with separators, JSON, JSON lines or Parquet."""

import gzip
import json
import zlib
from collections.abc import Callable
from pathlib import Path

from protomtl.core import tables
from protomtl.own_data import parquet, separated
from protomtl.own_data.beginnings import other_than
from protomtl.own_data.fields import BadFile, Table, decoded, of_objects

GZIP = b"\x1f\x8b"  # how it begins; a browser may have unpacked it, and left the name


def read(path: Path) -> Table:
    """Any of the formats, by the ending, in any case, with `.gz` or without. Raises BadFile."""
    if path.is_dir():
        raise BadFile(f"{path}: is a folder; name the files in it")
    packed = path.suffix.lower() == ".gz"
    ending = Path(path.stem if packed else path.name).suffix.lower()
    if ending not in FORMATS:
        raise BadFile(f"{path}: unknown ending; save its table as one of {', '.join(FORMATS)}, or as one with .gz")
    try:
        content = path.read_bytes()
        content = gzip.decompress(content) if packed and content.startswith(GZIP) else content
    except (OSError, EOFError, zlib.error) as error:
        raise BadFile(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    if said := other_than(content, ending):
        raise BadFile(f"{path}: {said}")
    table = FORMATS[ending](path, content)
    table = table._replace(columns=[" ".join(name.split()) for name in table.columns])  # as it will be written
    if twice := tables.repeated(table.columns):
        raise BadFile(f"{path}: two columns are named {twice[0]!r}; rename one")
    if not table.rows:
        raise BadFile(f"{path}: no rows")
    return table


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


FORMATS: dict[str, Callable[[Path, bytes], Table]] = {
    ".csv": separated.read,
    ".tsv": separated.read,
    ".txt": separated.read,
    ".jsonl": json_lines,
    ".ndjson": json_lines,
    ".json": json_list,
    ".parquet": parquet.read,
}
