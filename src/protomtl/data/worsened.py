"""Training rows made worse on purpose: rare classes, few rows, wrong labels. Dev and test stay as they are."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from protomtl.core.settings import Worsened
from protomtl.data.readers import Row
from protomtl.seeds import generator
from protomtl.tasks.settings import Task


def worsened(name: str, task: Task, rows: Sequence[Row], settings: Worsened) -> tuple[list[Row], dict[str, Any]]:
    """The rows that are left, in their order, some with another label; and what was done, for the report.

    Classes are made rare first; of what is left then `rows` are drawn, and of these some get a wrong label.
    Rows of a smaller number are among those of a larger one, and wrong labels of a smaller share among those of a
    larger. SystemExit where labels have no order and `next` is wanted.
    """
    if settings.wrong_labels and settings.to == "next" and not has_next(task):
        raise SystemExit(f"params.yaml: data.worsened.to: next: the classes of tasks.{name} have no order; write any")
    known = [row for row in rows if row.label is not None]
    order = generator(settings.seed, "worsened", name, "rows").permutation(len(known))
    kept = [(int(place), known[place]) for place in order]
    if settings.imbalance > 1:
        kept = rarer(task, kept, settings.imbalance)
        # Rows of rare classes are the first of all rows, and would be all that is drawn and made wrong.
        again = generator(settings.seed, "worsened", name, "rare").permutation(len(kept))
        kept = [kept[place] for place in again]
    kept = kept[: settings.rows or None]
    wrong = round(settings.wrong_labels * len(kept))
    found = [
        (place, replace(row, label=other(name, task, row, settings)) if number < wrong else row)
        for number, (place, row) in enumerate(kept)
    ]
    found.sort(key=lambda pair: pair[0])
    return [row for _, row in found], {"of": len(rows), "rows": len(found), "wrong_labels": wrong}


def has_next(task: Task) -> bool:
    """Whether each label has one beside it."""
    return task.ordered or task.what.neighbours


def class_of(task: Task, row: Row) -> int:
    return task.what.class_of(row.label or 0.0)


def rarer(task: Task, rows: list[tuple[int, Row]], ratio: int) -> list[tuple[int, Row]]:
    """At most largest · ratio^(-k / (classes - 1)) rows of the class of rank k by frequency (Cui et al. 2019, §5), and
    one at least. rows: with their places, in the order in which they are taken."""
    counts = Counter(class_of(task, row) for _, row in rows)
    ranked = sorted(counts, key=lambda label: (-counts[label], label))
    steps = max(1, len(ranked) - 1)
    room = {label: max(1, round(counts[ranked[0]] * ratio ** (-k / steps))) for k, label in enumerate(ranked)}
    kept = []
    for place, row in rows:
        if room[class_of(task, row)] > 0:
            kept.append((place, row))
            room[class_of(task, row)] -= 1
    return kept


def other(name: str, task: Task, row: Row, settings: Worsened) -> float:
    """Another label than the row's: any, each as likely, or one beside it."""
    random = generator(settings.seed, "worsened", name, "label", row.id)
    label, (low, high) = row.label or 0.0, task.bounds
    if task.what.has_classes and not task.what.one_class:  # one class more or less
        return float(int(label) ^ 1 << int(random.integers(len(task.class_names))))
    if settings.to == "next":
        step = 1.0 if task.what.has_classes else min(1.0, (high - low) / 2)
        beside = [value for value in (label - step, label + step) if low <= value <= high]
        beside = beside or [low, high]  # of the middle both ends are a step away, but for rounding
        return float(beside[random.integers(len(beside))])
    if not task.what.has_classes:
        return another_value(label, low, high, random)
    return float((label + 1 + random.integers(len(task.class_names) - 1)) % len(task.class_names))


def another_value(label: float, low: float, high: float, random: np.random.Generator) -> float:
    """Any other value of a range, each as likely, with three digits behind the point, or more if the range is narrow.

    Rounding leads neither out of the range nor back to the label.
    """
    digits = 3 + max(0, math.ceil(-math.log10(high - low)))
    value = label
    while value == label:
        value = min(high, max(low, round(float(random.uniform(low, high)), digits)))
    return value
