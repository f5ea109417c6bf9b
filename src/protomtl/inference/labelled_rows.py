"""Labelled rows of a user's file, as stresses take them."""

import json
from collections.abc import Mapping, Sequence

from protomtl.data.readers import UNLABELLED
from protomtl.inference import records
from protomtl.inference.lines import BadInput
from protomtl.inference.records import Record
from protomtl.perturbations.kinds import Source
from protomtl.tasks.labels import number
from protomtl.tasks.settings import Task


def labelled_rows(path: str, task: Task, columns: Sequence[str] | None, label: str | None) -> tuple[list[Source], str]:
    """The rows of a file, with labels, or all with NaN where none of them says anything; and what is to be told of the
    labels: that there are none, or that numbers were taken for places of classes; or nothing.

    columns, label: those that the user named, else the task's own. BadInput for rows of which some say nothing.
    """
    names, column = [*(columns or task.texts)], label or task.label
    if len(names) != len(task.texts):
        raise BadInput(f"--columns: the task needs {len(task.texts)}, there are {len(names)}")
    numbers, found, gaps = False, [], {}  # gaps: where the rows stand that say nothing
    for row_number, (place, row, texts) in enumerate(records.texts(records.read(path), names)):
        if label and label not in row:
            raise BadInput(f"{place}: no column {label!r}; there is {', '.join(map(repr, row))}")
        value = label_of(place, column, row, task)
        if value is None:
            gaps[row_number] = (place, column in row and not str(row[column] or "").strip())
        numbers = numbers or (value is not None and by_place(task, str(row[column])))
        found.append(Source("yours", str(row_number), texts, float("nan") if value is None else value))
    if len(gaps) < len(found):
        found = filled(found, gaps, column, task)
    elif gaps:
        return found, f"none in column {column!r}; --label names another"
    return found, f"column {column!r}: {from_0(task)}" if numbers else ""


def filled(rows: list[Source], gaps: Mapping[int, tuple[str, bool]], column: str, task: Task) -> list[Source]:
    """The rows of a file with labels. An empty label is one where a row may have no class; else BadInput for it.

    gaps: of the rows that say nothing their place, and whether they are empty.
    """
    none = task.what.read(task, "")
    for place, empty in gaps.values():
        if none is None or not empty:
            said = f"column {column!r} has no label, as other rows have"
            raise BadInput(f"{place}: {said}; give all of them one, or none")
    return [row._replace(label=none) if k in gaps and none is not None else row for k, row in enumerate(rows)]


def by_place(task: Task, said: str) -> bool:
    """Whether a label is a number that stands for the place of a class: of several, none of which has a number for a
    name. For no and yes 0 and 1 are plain."""
    names = task.class_names if task.what.has_classes else ()
    return len(names) > 2 and number(said) is not None and not any(number(str(name)) is not None for name in names)


def from_0(task: Task) -> str:
    names = task.class_names
    return f"numbers count from 0, so 0 is {names[0]} and {len(names) - 1} is {names[-1]}"


def label_of(place: str, column: str, row: Record, task: Task) -> float | None:
    """A label as it stands in the file; None for one that says nothing. BadInput for what is none of the task's."""
    value = row.get(column)
    said = "" if value is None else json.dumps(value) if isinstance(value, (bool, dict, list)) else str(value)
    found = task.what.read(task, said) if said.strip() else None
    if found is None and said.strip() not in UNLABELLED:
        hint = f"; {from_0(task)}" if by_place(task, said) else ""
        raise BadInput(f"{place}: column {column!r}: {value!r:.80} is not {task.what.wanted(task)}{hint}")
    return found
