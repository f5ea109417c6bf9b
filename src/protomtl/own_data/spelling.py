"""Columns whose values are written otherwise than step `prepare` reads them: numbers of a spreadsheet, lists, repeated
ids. The user's file stays; its copy has points, plain numbers, and semicolons between the classes of a row."""

import ast
import re
from collections.abc import Callable, Mapping, Sequence

from protomtl.own_data.columns import Column, said
from protomtl.own_data.fields import BETWEEN, Table
from protomtl.own_data.guessing import classes_like

Respell = Callable[[str], str]

COMMA = re.compile(r"[+-]?\d+(,\d+)?")
POINTS = re.compile(r"[+-]?\d{1,3}(\.\d{3})*(,\d+)?")  # 1.234,5, as in German
COMMAS = re.compile(r"[+-]?\d{1,3}(,\d{3})*(\.\d+)?|[+-]?\d+(\.\d+)?")  # 1,234.5, as in English
EITHER = re.compile(r"[+-]?([1-9]\d{0,2},\d{3}|\d+)")  # 1,234 is one number in German and another in English
PERCENT = re.compile(r"\s*%$")
WORDS_OF_TAG = 3  # at most, on average


def respelled(tables: Sequence[Table]) -> tuple[list[Table], list[str]]:
    """The tables of one data set as `prepare` reads them, and what was changed, in words."""
    found, words = [*tables], []
    for name in dict.fromkeys(name for table in tables for name in table.columns):
        values = [value for table in found if name in table.columns for value in values_of(table, name)]
        for what, choose in KINDS.items() if values else ():
            if change := choose(Column(name, values)):
                found = [changed(table, name, change) for table in found]
                values = [change(value) for value in values]
                words.append(f"column {name}: {what}")
    if any(repeats(table) for table in found):
        other = next(n for n in ("id_column", *(f"id_column{k}" for k in range(2, 10_000))) if unused(found, n))
        found = [renamed(table, {"id": other}) for table in found]
        words.append(f"column id: is {other} here, since its values repeat and so name no rows")
    return found, words


def values_of(table: Table, name: str) -> list[str]:
    place = table.columns.index(name)
    return [value for value in said([row[place] for row in table.rows]) if value]


def changed(table: Table, name: str, change: Respell) -> Table:
    """With all that a column says written otherwise; what says nothing stays."""
    if name not in table.columns:
        return table
    place = table.columns.index(name)
    own = said([row[place] for row in table.rows])
    rows = [
        [*row[:place], change(value) if value else row[place], *row[place + 1 :]]
        for row, value in zip(table.rows, own, strict=True)
    ]
    return table._replace(rows=rows)


def renamed(table: Table, names: Mapping[str, str]) -> Table:
    return table._replace(columns=[names.get(name, name) for name in table.columns])


def unused(tables: Sequence[Table], name: str) -> bool:
    return not any(name in table.columns for table in tables)


def repeats(table: Table) -> bool:
    """Whether it has ids, and two rows of one."""
    ids = values_of(table, "id") if "id" in table.columns else []
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
    """Of lists as Python and JSON write them: ['a', 'b']."""
    return joined if all(listed(value) is not None for value in column.values) else None


def listed(value: str) -> list[str] | None:
    """The texts of a list as Python and JSON write it, or None."""
    if not (value.startswith("[") and value.endswith("]")):
        return None
    try:
        found = ast.literal_eval(value)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    return [str(part) for part in found] if all(isinstance(part, (str, int, float)) for part in found) else None


def joined(value: str) -> str:
    return BETWEEN.join(listed(value) or ["none"])


def comma_lists(column: Column) -> Respell | None:
    """Of lists between commas: more different values than parts of these, which repeat."""
    if not any("," in value for value in column.values) or ambiguous(column):
        return None
    parts = Column("", [part for value in column.values for part in parts_of(value)])
    tags = parts.different < column.different and parts.different <= len(column.values) / 2 and classes_like(parts)
    short = tags and parts.words <= WORDS_OF_TAG
    return (lambda value: BETWEEN.join(parts_of(value))) if short else None


def parts_of(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]


KINDS: dict[str, Callable[[Column], Respell | None]] = {  # what is said of it, and what it takes
    "percent signs are left out": percent,
    "decimal commas become points": decimal_comma,
    "commas between thousands are left out": thousands,
    "lists are written with semicolons between their parts": written_lists,
    "what stands between commas is a list, and is written with semicolons": comma_lists,
}
