"""The block of a task for a column of labels: its kind, its classes or range, and the figure that counts."""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from protomtl.own_data.columns import CODE, PERCENT, Column
from protomtl.own_data.guessing import Guess, classes_like
from protomtl.tasks.kinds import NONE
from protomtl.tasks.labels import YES_NO, class_of, composed, number

CLASSES = 50  # whole numbers, from which they are values


def task_of(column: Column, texts: Sequence[str], files: Mapping[str, str]) -> dict[str, Any]:
    """The block of a task, as params.yaml has it, for a column of labels. Raises Guess for labels that say nothing."""
    if column.different < 2:
        said = f"every row has {column.values[0]!r}" if column.values else "no row has a label"
        raise Guess(f"column {column.name!r}: {said}, so there is nothing to learn")
    block = kind_of(column)
    if (names := block.get("classes")) and isinstance(names, list) and len(names) < 2:
        raise Guess(f"column {column.name!r}: all labels mean {names[0]!r}, so there is nothing to learn")
    return block_of(block, texts, column.name, files)


def block_of(kind: Mapping[str, Any], texts: Sequence[str], label: str, files: Mapping[str, str]) -> dict[str, Any]:
    return {**kind, "texts": [*texts], "label": label, "files": dict(files)}


def kind_of(column: Column) -> dict[str, Any]:
    """Kind, classes or range, and the figure that counts."""
    refuse_some_percent(column)
    values = [] if column.codes else column.numbers
    whole = all(value.is_integer() for value in values)
    if values and (column.share or not (whole and column.different <= CLASSES)):
        ends = [0.0, 100.0] if column.share else []
        return {"kind": "regression", "range": bounds([*values, *ends]), "metric": "pearson"}
    if column.parts and classes_like(column):
        parts = column._replace(values=[part for part in column.parts if part.casefold() != NONE])
        return {"kind": "multilabel", "classes": class_names(parts), "metric": "macro_f1"}
    names = class_names(column)
    if {class_of(YES_NO, name) for name in names} == {0, 1}:  # in one way to say it, or in several
        return {"kind": "binary", "metric": figure(column)}
    if len(names) == 2:
        return {"kind": "binary", "classes": names, "metric": figure(column)}
    if values and names == [str(k) for k in range(len(names))]:
        return {"kind": "classification", "classes": len(names), "metric": figure(column)}
    if not values and not classes_like(column):
        raise Guess(
            f"column {column.name!r}: {len(names)} different labels in {len(column.values)} rows are no classes"
            + no_number(column)
        )
    return {"kind": "classification", "classes": names, "metric": figure(column)}


def refuse_some_percent(column: Column) -> None:
    """Guess for numbers of which only some have a percent sign: 5% and 5 may be one value, or 0.05 and 5."""
    signed = [value for value in column.values if "%" in value]
    others = [value for value in column.values if "%" not in value]
    if signed and others and Column("", [PERCENT.sub("", value) for value in column.values]).numbers:
        raise Guess(
            f"column {column.name!r}: {signed[0]!r} has a percent sign and {others[0]!r} has none; "
            "write all with it, or none"
        )


def no_number(column: Column) -> str:
    """Which value keeps a column of numbers from being one, in words; nothing where few are numbers."""
    others = [value for value in column.values if number(value) is None]
    if not others:
        code = next(value for value in column.values if CODE.fullmatch(value))
        return f", and {code!r} is a code, no amount; an amount has no 0 in front, and 15 digits at most"
    if len(others) > len(column.values) / 2 and not all(re.fullmatch(r"[-+\d.,]+", value) for value in others):
        return ""
    return f", and {others[0]!r} is no number that all would read alike"


def class_names(column: Column) -> list[str]:
    """The names, in the order that the file says, else of numbers and of the alphabet; of spellings of one, as of those
    that differ by case alone, the most frequent."""
    if column.numbers and not column.codes:
        return [f"{value:.15g}" for value in sorted(set(column.numbers))]
    spellings: dict[str | float, str] = {}
    for name, _ in Counter(map(composed, column.values)).most_common():
        value = number(name)
        spellings.setdefault(name.casefold() if value is None or value >= 2**53 else value, name)
    known = {composed(name).casefold(): place for place, name in enumerate(column.order)}
    if all(name.casefold() in known for name in spellings.values()):
        return sorted(spellings.values(), key=lambda name: known[name.casefold()])
    return sorted(spellings.values(), key=lambda name: [*map(in_order, re.split(r"(\d+)", name.casefold()))])


def in_order(part: str) -> tuple[int, str]:
    """By which `topic 2` comes before `topic 10`."""
    return (int(part), "") if part.isdecimal() else (-1, part)


def figure(column: Column) -> str:
    """Accuracy; macro-F1 where a class is rare, since always saying another would be right so often."""
    counts = Counter(value.casefold() for value in column.values)
    return "macro_f1" if min(counts.values()) * len(counts) * 4 < len(column.values) else "accuracy"


def bounds(values: Sequence[float]) -> list[int]:
    """The whole numbers that all values lie between."""
    return [math.floor(min(values)), math.ceil(max(values))]
