"""A label that stands in two columns, as a number and as a name (label, label_text): one task of the names."""

import itertools
from collections.abc import Mapping, Sequence

from protomtl.own_data.columns import Column, said
from protomtl.own_data.fields import Table
from protomtl.tasks.labels import number


def once(tables: Sequence[Table], columns: Mapping[str, Column], labels: Sequence[str]) -> dict[str, Column]:
    """The columns of labels, without numbers whose names are another one; the names then have the numbers' order."""
    found = {label: columns[label] for label in labels}
    for numbers, names in itertools.permutations(labels, 2):
        if numbers in found and names in found and (order := ordered(tables, columns[numbers], columns[names])):
            found[names] = found[names]._replace(order=order)
            del found[numbers]
    return found


def ordered(tables: Sequence[Table], numbers: Column, names: Column) -> list[str]:
    """The names in the order of their numbers, if each name has a whole number of its own; else nothing."""
    if names.numbers or not numbers.numbers or not all(value.is_integer() for value in numbers.numbers):
        return []
    known = {*numbers.numbers}  # without what stands for a label that is not public
    pairs = {(value, name) for table in tables for value, name in pairs_of(table, numbers.name, names.name)}
    pairs = {(value, name) for value, name in pairs if name and value in known}
    one_each = len(pairs) == len(known) == names.different
    return [name for _, name in sorted(pairs)] if one_each and {name for _, name in pairs} == {*names.values} else []


def pairs_of(table: Table, numbers: str, names: str) -> list[tuple[float, str]]:
    """What the two columns of a row say, where the first one is a number."""
    if not {numbers, names} <= {*table.columns}:
        return []
    values, words = (said([row[table.columns.index(name)] for row in table.rows]) for name in (numbers, names))
    return [(value, word) for text, word in zip(values, words, strict=True) if (value := number(text)) is not None]
