"""Labelled rows of a user's file, as stresses take them."""

import json
from collections.abc import Iterator, Sequence

from protomtl.data.readers import UNLABELLED
from protomtl.inference import records
from protomtl.inference.lines import BadInput
from protomtl.inference.records import Record
from protomtl.perturbations.kinds import Source
from protomtl.tasks.settings import Task


def labelled_rows(path: str, task: Task, columns: Sequence[str] | None, label: str | None) -> list[Source]:
    """The rows of a file, with labels, or all with NaN where none of them says anything.

    columns, label: those that the user named, else the task's own. BadInput for rows of which some say nothing.
    """
    names, column = [*(columns or task.texts)], label or task.label
    if len(names) != len(task.texts):
        raise BadInput(f"--columns: the task needs {len(task.texts)}, there are {len(names)}")
    silent, found = "", []  # where the first row stands without a label
    for number, (place, (row, texts)) in enumerate(with_places(path, names)):
        if label and label not in row:
            raise BadInput(f"{place}: no column {label!r}; there is {', '.join(map(repr, row))}")
        value = label_of(place, column, row, task)
        silent = silent or (place if value is None else "")
        found.append(Source("yours", str(number), texts, float("nan") if value is None else value))
    if silent and any(row.label == row.label for row in found):
        raise BadInput(f"{silent}: column {column!r} has no label, as other rows have; give all of them one, or none")
    return found


def label_of(place: str, column: str, row: Record, task: Task) -> float | None:
    """A label as it stands in the file; None for one that says nothing. BadInput for what is none of the task's."""
    value = row.get(column)
    said = "" if value is None else json.dumps(value) if isinstance(value, (bool, dict, list)) else str(value)
    found = task.what.read(task, said) if said.strip() else None
    if found is None and said.strip() not in UNLABELLED:
        raise BadInput(f"{place}: column {column!r}: {value!r:.80} is not {task.what.wanted(task)}")
    return found


def with_places(path: str, columns: list[str]) -> Iterator[tuple[str, tuple[Record, tuple[str, ...]]]]:
    """FILE:LINE of each row, the row, and its texts."""
    places = [*records.read(path)]
    return zip((place for place, _ in places), records.texts(iter(places), columns), strict=True)
