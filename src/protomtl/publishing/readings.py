"""Table of readings: what heads and prototypes say of the same trainings, and prototypes straight after phase 1."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from protomtl.publishing.kept import TASKS, Row, chosen, read
from protomtl.publishing.tables import Rows, number

# What is read, in words; the end of the column of a task; and the tasks that have it.
OVERALL = {"heads": "", "prototypes": "_readout", "prototypes after phase 1": "_first"}
OF_CLASSES = OVERALL | {"nearest": "_nearest", "nearest after phase 1": "_first_nearest"}
SHOWN = "sst"  # the task of several classes, by which readings differ most


def readings(run: Path, words: list[str]) -> tuple[list[str], Rows]:
    """Test of each method by heads and by prototypes with prior and scale, overall; and of one task also by the nearest
    prototype. words: other runs, of other data splits, with which the figures are averaged; the order is that of `run`.

    ValueError where the runs have not the same methods.
    """
    found = [read(path, "test") for path in (run, *(run.parent / word for word in words))]
    if len({frozenset(table) for table in found}) > 1:
        raise ValueError("the runs have not the same methods")
    head = [*(f"overall: {what}" for what in OVERALL), *(f"{SHOWN}: {what}" for what in OF_CLASSES)]
    rows = []
    for method in chosen(found[0], []):
        several = [table[method] for table in found]
        whole = [mean(several, [task + end for task in TASKS]) for end in OVERALL.values()]
        one = [mean(several, [SHOWN + end]) for end in OF_CLASSES.values()]
        rows.append([found[0][method]["label"], *map(number, [*whole, *one])])
    return ["method", *head], rows


def mean(several: Sequence[Row], columns: Sequence[str]) -> float:
    """Of some columns over several rows; NaN where one is not there, as of a method without a first phase."""
    return float(np.mean([[row.get(column, np.nan) for column in columns] for row in several]))


KINDS = {"readings": readings}
