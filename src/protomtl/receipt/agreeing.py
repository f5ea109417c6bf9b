"""Whether what was kept of a run agrees with itself: a merge or an edit may have changed a part of it."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from pandas.api.types import is_numeric_dtype

from protomtl.core.runs import Run
from protomtl.metrics import METRICS, overall
from protomtl.steps.tables.joined import Evaluated
from protomtl.tasks.settings import Task

NEAR = 0.01  # predictions are rounded, and so a figure of them is not quite the recorded one
FINEST = 1e-3  # deviation of predictions below which rounding may change a correlation by more


def check_methods(methods: Sequence[str], about: Mapping[str, Any]) -> None:
    """ValueError where a table has not a row for each method of about.json: one would be left out without a word."""
    if sorted(methods) != sorted(known := about.get("methods", methods)):
        odd = sorted({*methods} ^ {*known}) or ["a method twice"]
        raise ValueError(f"about.json and the tables do not have the same methods: {odd[0]}")


def check_predictions(predicted: Mapping[str, pd.DataFrame], key: Sequence[str], methods: Sequence[str]) -> None:
    """ValueError where two files have other examples, or one lacks some predictions of a task. A method that has not
    trained a task has none of it. key: the columns that name an example."""
    first = next(iter(predicted.values()), pd.DataFrame())
    for path, frame in predicted.items():
        if frame.empty or not frame[[*key]].equals(first[[*key]]):
            raise ValueError(f"{path}: no examples, or not those of the other seeds")
        if not all(is_numeric_dtype(frame[method]) for method in methods):
            raise ValueError(f"{path}: predictions that are no numbers")
        lost = frame[[*methods]].isna().groupby([frame["split"], frame["task"]]).mean()
        if ((lost > 0) & (lost < 1)).any(axis=None):
            raise ValueError(f"{path}: some predictions of a task are not there")


def check_figures(evaluated: Evaluated, tasks: Mapping[str, Task]) -> None:
    """ValueError where a recorded figure is not that of the predictions, or overall not that of the figures. tasks: as
    the kept run says them."""
    for run, splits in evaluated.metrics.items():
        for split, figures in splits.items():
            known = {name: value for name in tasks if (value := figures.get(name)) is not None}
            for name, recorded in known.items():
                check_figure(evaluated, run, split, name, tasks[name], recorded)
            if known.keys() == tasks.keys() and abs(figures["overall"] - overall(tasks, known)) > NEAR:
                raise ValueError(f"seed {run.seed}: overall of {run.method} on {split} is not that of its tasks")


def check_figure(evaluated: Evaluated, run: Run, split: str, name: str, task: Task, recorded: float) -> None:
    table = evaluated.predictions.get(split, {}).get(name)
    if table is None:
        raise ValueError(f"seed {run.seed}: a figure of {name} on {split}, and no predictions of it")
    gold, said = (column.to_numpy(float) for column in (table.index.get_level_values("gold"), table[run]))
    found = METRICS[task.main_metric](task.what.targets(task, gold), task.what.targets(task, said))
    if abs(found - recorded) > NEAR and said.std() >= FINEST:
        raise ValueError(
            f"seed {run.seed}: {name} of {run.method} on {split} is {recorded:.4f} by its record "
            f"and {found:.4f} by its predictions"
        )
