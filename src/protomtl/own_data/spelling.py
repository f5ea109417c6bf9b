"""Columns whose values are written otherwise than step `prepare` reads them: numbers of a spreadsheet, lists, repeated
ids. The user's file stays; its copy has points, plain numbers, and semicolons between the classes of a row."""

import ast
import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence

from protomtl.own_data.columns import NOTHING, PERCENT, Column, numbered, said
from protomtl.own_data.fields import Table
from protomtl.own_data.files import given_splits, hidden
from protomtl.own_data.guessing import classes_like
from protomtl.tasks.kinds import NONE, SEPARATORS, in_one
from protomtl.tasks.labels import number

Respell = Callable[[str], str]

COMMA = re.compile(r"[+-]?\d+(,\d+)?")
POINTS = re.compile(r"[+-]?\d{1,3}(\.\d{3})*(,\d+)?")  # 1.234,5, as in German
COMMAS = re.compile(r"[+-]?\d{1,3}(,\d{3})*(\.\d+)?|[+-]?\d+(\.\d+)?")  # 1,234.5, as in English
EITHER = re.compile(r"[+-]?([1-9]\d{0,2},\d{3}|\d+)")  # 1,234 is one number in German and another in English
LIST = re.compile(r"\[(.*)\]|\{(.+)\}|\((.*,.*|)\)", re.S)  # (a) is no list, and {} is a dict
PART = re.compile(r"""('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^\s,'"]+)(?:\s*,\s*|\s+|$)""", re.S)
WORDS_OF_TAG = 3  # at most, on average


def respelled(tables: Sequence[Table]) -> tuple[list[Table], list[str]]:
    """The tables of one data set as `prepare` reads them, and what was changed, in words. Raises Guess.

    What stands in test for labels that are not public stays, and says nothing of how the others are written.
    """
    given = given_splits(tables)
    found, words = [*tables], []
    for name in dict.fromkeys(name for table in tables for name in table.columns):
        nothing = hidden(tables, given, name)
        values = [value for table in found for value in values_of(table, name) if value not in nothing]
        for what, choose in KINDS.items() if values else ():
            if change := choose(Column(name, values)):
                found = [changed(table, name, change, nothing) for table in found]
                if choose is percent:
                    found = [table._replace(shares=table.shares | {name}) for table in found]
                values = [change(value) for value in values]
                words.append(f"column {name}: {what}")
    if any(repeats(table) for table in found):
        taken = {name for table in found for name in table.columns}
        other = next(name for name in numbered("id_column") if name not in taken)
        found = [renamed(table, {"id": other}) for table in found]
        words.append(f"column id: is {other} here, since its values repeat and so name no rows")
    return found, words


def values_of(table: Table, name: str) -> list[str]:
    """What a column says; nothing of a table without it."""
    if name not in table.columns:
        return []
    place = table.columns.index(name)
    return [value for value in said([row[place] for row in table.rows]) if value]


def changed(table: Table, name: str, change: Respell, nothing: Collection[str]) -> Table:
    """With all that a column says written otherwise; what says nothing stays, and so does `nothing`."""
    if name not in table.columns:
        return table
    place = table.columns.index(name)
    own = said([row[place] for row in table.rows])
    rows = [
        [*row[:place], change(value) if value and value not in nothing else row[place], *row[place + 1 :]]
        for row, value in zip(table.rows, own, strict=True)
    ]
    return table._replace(rows=rows)


def with_gaps(table: Table, texts: Sequence[str]) -> Table:
    """With nothing where a text is what programs write for no text, `nan`: such a row cannot be used, and is told."""
    places = [place for place, name in enumerate(table.columns) if name in texts]
    rows = [
        ["" if place in places and value.strip().casefold() in NOTHING else value for place, value in enumerate(row)]
        for row in table.rows
    ]
    return table._replace(rows=rows)


def renamed(table: Table, names: Mapping[str, str]) -> Table:
    return table._replace(columns=[names.get(name, name) for name in table.columns])


def repeats(table: Table) -> bool:
    """Whether it has ids, and two rows of one."""
    ids = values_of(table, "id")
    return len({*ids}) < len(ids)


def percent(column: Column) -> Respell | None:
    bare = [PERCENT.sub("", value) for value in column.values]
    signed = all("%" in value for value in column.values)
    plain = Column("", bare).numbers or all(COMMA.fullmatch(value) for value in bare)
    return (lambda value: PERCENT.sub("", value)) if signed and plain else None


def decimal_comma(column: Column) -> Respell | None:
    """Of numbers with a comma, unless all may be thousands, too."""
    commas = any("," in value for value in column.values)
    if not commas or ambiguous(column) or not all(POINTS.fullmatch(v) or COMMA.fullmatch(v) for v in column.values):
        return None
    return lambda value: value.replace(".", "").replace(",", ".")


def thousands(column: Column) -> Respell | None:
    """Of numbers with a comma before three digits, some of which are no decimals."""
    commas = any("," in value for value in column.values)
    if not commas or ambiguous(column) or not all(COMMAS.fullmatch(value) for value in column.values):
        return None
    return lambda value: value.replace(",", "")


def ambiguous(column: Column) -> bool:
    return any("," in value for value in column.values) and all(EITHER.fullmatch(value) for value in column.values)


def written_lists(column: Column) -> Respell | None:
    """Of lists, tuples and sets as Python, JSON and NumPy write them: ['a', 'b'], ('a',), {'a'}, ['a' 'b']."""
    return joined if all(listed(value) is not None for value in column.values) else None


def listed(value: str) -> list[str] | None:
    """The texts and numbers of such a list, or None. To Python alone 'a' 'b' would be one text."""
    if not (inner := LIST.fullmatch(value)):
        return [] if value == "set()" else None
    found, rest = [], (inner[1] or inner[2] or inner[3] or "").strip()
    while rest:
        part = PART.match(rest)
        if part is None or (text := meant(part[1])) is None:
            return None
        found.append(text)
        rest = rest[part.end() :]
    return found


def meant(part: str) -> str | None:
    """A quoted text without its quotes, or a number; else None."""
    if part[0] not in "'\"":
        return part if number(part) is not None else None
    try:
        return str(json.loads(part, strict=False) if part[0] == '"' else ast.literal_eval(part))
    except (ValueError, SyntaxError):
        return None


def joined(value: str) -> str:
    return in_one(listed(value) or [NONE])


def comma_lists(column: Column) -> Respell | None:
    """Of lists between commas: more different values than parts of these, which repeat."""
    if not any("," in value for value in column.values) or ambiguous(column):
        return None
    parts = Column("", [part for value in column.values for part in parts_of(value)])
    tags = parts.different < column.different and parts.different <= len(column.values) / 2 and classes_like(parts)
    short = tags and parts.words <= WORDS_OF_TAG
    return (lambda value: in_one(parts_of(value))) if short else None


def parts_of(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]


def vectors(column: Column) -> Respell | None:
    """Of lists of as many 0 and 1 each, which say of each class whether the row has it."""
    rows = [re.split(SEPARATORS, value) for value in column.values]
    marks = all(number(part) in (0, 1) for row in rows for part in row)
    return places_of_1 if marks and len(rows[0]) > 1 and len({*map(len, rows)}) == 1 else None


def places_of_1(value: str) -> str:
    return in_one(str(k) for k, part in enumerate(re.split(SEPARATORS, value)) if number(part) == 1) or NONE


KINDS: dict[str, Callable[[Column], Respell | None]] = {  # what is said of it, and what it takes
    "percent signs are left out": percent,
    "decimal commas become points": decimal_comma,
    "commas between thousands are left out": thousands,
    "lists are written with semicolons between their parts": written_lists,
    "what stands between commas is a list, and is written with semicolons": comma_lists,
    "lists of 0 and 1 are written as the places of 1, counted from 0": vectors,
}
