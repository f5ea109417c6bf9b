"""Columns of 0 and 1 side by side, a class each: together they are one task, and a column of labels stands for them.

Where every row has exactly one of them it is a classification, else a multilabel task. Two columns are one task only in
the first case: they may as well be two questions.
"""

import itertools
import shlex
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from protomtl.own_data import files
from protomtl.own_data.blocks import figure
from protomtl.own_data.columns import LABELS, Column, numbered
from protomtl.own_data.fields import Table
from protomtl.own_data.guessing import SAYING_NOTHING, Guess, classes_like, is_id, split_of
from protomtl.tasks.kinds import BETWEEN, NONE
from protomtl.tasks.labels import number
from protomtl.tasks.settings import MOST_TOGETHER

Mark = Mapping[str, bool]

WAYS: tuple[Mark, ...] = tuple({no: False, yes: True} for no, yes in (("0", "1"), ("false", "true"), ("no", "yes")))
MARKS = {word: mark for way in WAYS for word, mark in way.items()}
FEWEST = 3  # columns that are taken for one task of several classes a row
UNKNOWN = "-1"  # no label of any task: an empty one would be a row without a class
JOIN = ","  # between the columns of one task, in --label
SHOWN = 8  # names in a message


class Together(NamedTuple):
    """The columns of one task, the column that is written for them, and the task's kind, classes and metric."""

    names: list[str]
    label: str
    block: dict[str, Any]

    @property
    def said(self) -> str:
        """What is done, and how to have it otherwise."""
        how = "those of {} that are 1" if self.block["kind"] == "multilabel" else "the one of {} that is 1"
        parts = f"--label {shlex.join(self.names[:SHOWN])}{' …' if len(self.names) > SHOWN else ''}"
        return f"column {self.label}: is written, {how.format(listed(self.names))}; for a task of each: {parts}"


def joined(tables: Sequence[Table], asked: Sequence[str]) -> tuple[list[Table], list[Together], list[str]]:
    """The tables with a column for each such task, these tasks, and what was not taken for one, in words.

    asked: the words of --label; those with commas name the columns of one task, and nothing is guessed. Raises Guess.
    """
    columns = files.labelled_columns(tables)
    known = {column.name: column for column in columns}
    pairs: list[list[Column]] = []
    if asked := about(asked, [*known]):
        runs = [[known[name] for name in names] for word in asked if (names := parts_of(word, [*known]))]
    else:
        several = [run for run in side_by_side(columns) if len(run) > 1]
        pairs = [run for run in several if len(run) < FEWEST and not one_each(tables, names_of(run))]
        runs = chosen(columns, [run for run in several if run not in pairs])
    found, tasks = [*tables], []
    for run in runs:
        tasks.append(together(found, run))
        found = [written(table, tasks[-1]) for table in found]
    return found, tasks, [two(names_of(pair)) for pair in pairs]


def parts_of(word: str, columns: Sequence[str]) -> list[str]:
    """The columns that a word of --label joins; none if it is itself a column, or joins what is not there."""
    names = [name.strip() for name in word.split(JOIN)]
    return names if word not in columns and len(names) > 1 and {*names} <= {*columns} else []


def about(asked: Sequence[str], columns: Sequence[str]) -> list[str]:
    """The words of --label that are of these columns; others are of another data set."""
    return [word for word in asked if word in columns or parts_of(word, columns)]


def side_by_side(columns: Sequence[Column]) -> list[list[Column]]:
    """The columns of 0 and 1 (no and yes, false and true) between which no other stands, without those that are the
    same in all rows. A column that says by its name to be the label is one alone."""

    def way(column: Column) -> Mark | None:
        return None if is_id(column) or column.name.lower() in SAYING_NOTHING else way_of(column)

    runs = [[*run] for found, run in itertools.groupby(columns, way) if found]
    return [[column for column in run if varies(column)] for run in runs]


def way_of(column: Column) -> Mark | None:
    """How its values say no and yes, if they do; 0% and 1% do not."""
    found = set() if column.share else {plain(value) for value in column.values}
    return next((way for way in WAYS if found and found <= {*way}), None)


def varies(column: Column) -> bool:
    return len({plain(value) for value in column.values}) > 1


def plain(value: str) -> str:
    value = value.strip().casefold()
    return value if (found := number(value)) is None else f"{found:g}"


def chosen(columns: Sequence[Column], runs: list[list[Column]]) -> list[list[Column]]:
    """The runs of which a name says that they are labels; if no other column's name says so, all."""
    members = {column.name for run in runs for column in run}
    rest = [c for c in columns if c.name not in members and LABELS.search(c.name) and not is_id(c)]
    if not any(column.values and (column.numbers or classes_like(column)) for column in rest):
        return runs
    return [run for run in runs if any(LABELS.search(column.name) for column in run)]


def together(tables: Sequence[Table], run: Sequence[Column]) -> Together:
    """The task of some columns. Raises Guess for those that are not of 0 and 1, and for a file that lacks some."""
    if wrong := [column for column in run if way_of(column) is None]:
        raise Guess(f"column {wrong[0].name!r}: only columns of 0 and 1, or of no and yes, are classes of one task")
    run = [column for column in run if varies(column)]
    if len(run) < 2:
        raise Guess("--label: of columns that are one task two or more must have rows with 0 and rows with 1")
    refuse_missing(tables, names_of(run))
    block: dict[str, Any]
    if each := one_each(tables, names_of(run)):
        names, free = names_of(run), "label"
        kind = {"kind": "binary"} if len(names) == 2 else {"kind": "classification"}
        block = {**kind, "classes": names, "metric": figure(Column("", each))}
    else:
        names, free = [name for name in names_of(run) if name.casefold() != NONE], "labels"
        refuse_more(names)
        block = {"kind": "multilabel", "classes": names, "metric": "macro_f1"}
    there = {name for table in tables for name in table.columns}
    label = next(name for name in numbered(free) if name not in there)
    return Together(names_of(run), label, block)


def refuse_more(names: Sequence[str]) -> None:
    """Guess for more classes of one task than a label has room for."""
    if len(names) > MOST_TOGETHER:
        some = shlex.quote(JOIN.join(names[:3]))
        raise Guess(
            f"{len(names)} columns of 0 and 1 side by side, {listed(names)}: rows with several of them are a task of "
            f"at most {MOST_TOGETHER} classes; name those that matter, as in `--label {some}`, "
            f"or a task of each by `--label {shlex.join(names[:2])}`"
        )


def refuse_missing(tables: Sequence[Table], names: Sequence[str]) -> None:
    """Guess for a file that lacks a column; test may lack all."""
    for table in tables:
        missing = [name for name in names if name not in table.columns]
        if missing and not (len(missing) == len(names) and split_of(table.path.name) == "test"):
            raise Guess(f"{table.path}: no column {missing[0]!r}; it has {', '.join(map(repr, table.columns))}")


def one_each(tables: Sequence[Table], names: Sequence[str]) -> list[str]:
    """The one column that is 1 in each row, if each row has one; else nothing. Rows without a label do not count."""
    rows = [row for table in tables for row in marks(table, names) if row is not None]
    return [names[row.index(True)] for row in rows] if all(sum(row) == 1 for row in rows) else []


def marks(table: Table, names: Sequence[str]) -> list[list[bool] | None]:
    """What each row says of the columns; None where one of them says nothing."""
    if not {*names} <= {*table.columns}:
        return []
    places = [table.columns.index(name) for name in names]
    found = [[MARKS.get(plain(row[place])) for place in places] for row in table.rows]
    return [[bool(mark) for mark in row] if None not in row else None for row in found]


def written(table: Table, task: Together) -> Table:
    """A table with the column of labels; without it if the table has none of its columns."""
    found = marks(table, task.names)
    if not found:
        return table
    classes = {*task.block["classes"]}
    own = [UNKNOWN if row is None else worded(task.names, row, classes) for row in found]
    rows = [[*row, label] for row, label in zip(table.rows, own, strict=True)]
    return table._replace(columns=[*table.columns, task.label], rows=rows)


def worded(names: Sequence[str], row: Sequence[bool], classes: set[str]) -> str:
    return BETWEEN.join(name for name, mark in zip(names, row, strict=True) if mark and name in classes) or NONE


def names_of(run: Sequence[Column]) -> list[str]:
    return [column.name for column in run]


def two(names: Sequence[str]) -> str:
    joint = shlex.quote(JOIN.join(names))
    return (
        f"Columns {listed(names)} may be two questions and are not taken together; --label {joint} makes them one task"
    )


def listed(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (", …" if len(names) > SHOWN else "")
