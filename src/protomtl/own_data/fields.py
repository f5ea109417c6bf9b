"""A table of text, and objects as its rows: what has no place in one field is named by file and line."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from protomtl.tasks.kinds import in_one


class BadFile(Exception):
    """The message names file and line and says what to do."""


class Table(NamedTuple):
    """Rows of text under their columns, and the line (of Parquet the row) on which each stands."""

    path: Path
    columns: list[str]
    rows: list[list[str]]
    lines: list[int]
    classes: Mapping[str, Sequence[str]] = MappingProxyType({})  # of a column, in their order, where the file says it
    nested: Mapping[str, str] = MappingProxyType({})  # the columns that no table can hold, and why
    shares: frozenset[str] = frozenset()  # the columns whose values had percent signs


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
    return one_newline(text)


def one_newline(text: str) -> str:
    """A text whose lines end as those of all files here."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def of_objects(path: Path, objects: list[tuple[int, Any]]) -> Table:
    """Objects as rows of text; a name that an object lacks is an empty field. What has no place in a field, such as a
    list of objects, leaves its column out. BadFile if nothing else is there."""
    for line, row in objects:
        if not isinstance(row, dict):
            raise BadFile(f'{path}:{line}: an object is needed, such as {{"text": "…", "label": "…"}}')
    objects = [(line, spread(path, line, row)) for line, row in objects]
    columns = dict.fromkeys(name for _, row in objects for name in row)
    nested = {  # of each such column its first row tells
        name: f"{path}:{line}: {name!r} is {value}, neither text nor number"
        for line, row in reversed(objects)
        for name, value in row.items()
        if isinstance(value, Nested)
    }
    if columns and not columns.keys() - nested:
        raise BadFile(f"{next(iter(nested.values()))}; give the file plain columns")
    columns = dict.fromkeys(name for name in columns if name not in nested)
    rows = [[cell(path, line, row.get(name)) for name in columns] for line, row in objects]
    lines = [line for line, _ in objects]
    return Table(path, [cell(path, 1, name) for name in columns], rows, lines, nested=nested)


def spread(path: Path, line: int, row: Mapping[str, Any]) -> dict[str, Any]:
    """`flat`. BadFile for what is nested too deep, too."""
    try:
        return flat(path, line, row)
    except RecursionError:
        raise BadFile(f"{path}:{line}: objects within objects go too deep; give the file plain columns") from None


def flat(path: Path, line: int, row: Mapping[str, Any]) -> dict[str, Any]:
    """An object with those in it spread out: {"a": {"b": 1}} as {"a.b": 1}. What is no field of a table is Nested.
    BadFile for two values of one name."""
    found: dict[str, Any] = {}
    for name, value in row.items():
        inner = flat(path, line, value) if isinstance(value, dict) else {"": value}
        for other, part in inner.items():
            column = f"{name}.{other}" if other else str(name)
            if column in found:
                raise BadFile(f"{path}:{line}: two values are named {column!r}; rename one")
            try:
                cell(path, line, part)
                found[column] = part
            except Nested:
                found[column] = Nested(str(part[:60] if isinstance(part, bytes) else part)[:60])  # a picture is long
    return found


class Nested(Exception):
    """A value that has no place in one field."""


def cell(path: Path, line: int, value: Any) -> str:
    """A value as it stands in a CSV file; bytes may be text. Nested for what is no text, number, boolean or list of
    these, and BadFile for what is no text."""
    if value is None or value != value:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return in_one(cell(path, line, part) for part in value)
    if isinstance(value, bytes):  # as older programs write text into Parquet
        try:
            value = value.decode()
        except UnicodeDecodeError:
            raise Nested from None
    if isinstance(value, dict):
        raise Nested
    if any("\ud800" <= c <= "\udfff" for c in str(value)):
        raise BadFile(f"{path}:{line}: {value!r:.60} has half of a pair that stands for one character; remove it")
    return str(value)
