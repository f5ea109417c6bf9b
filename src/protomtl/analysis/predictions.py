"""The predictions of several runs side by side, of the same examples."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from protomtl.core.paths import results
from protomtl.core.runs import Run, predictions_file
from protomtl.core.written import whole
from protomtl.tasks.settings import Task

Predictions = dict[str, pd.DataFrame]  # task -> a row an example, by id and gold; a column a run, by method and seed


def read_predictions(runs: Sequence[Run], tasks: Mapping[str, Task], split: str) -> Predictions:
    """What step `evaluate` wrote of one split. SystemExit where two runs were evaluated on other examples.

    A run that has not trained a task has NaN there.
    """
    return {name: side_by_side(read_task(runs, split, name), runs) for name in tasks}


def read_task(runs: Sequence[Run], split: str, task: str) -> dict[Run, pd.Series]:
    """The predictions of those runs that have trained the task."""
    return {run: read_run(run, split, task) for run in runs if predictions_file(run, split, task).exists()}


def read_run(run: Run, split: str, task: str) -> pd.Series:
    """The predictions of one run, by id and gold. SystemExit for a damaged file."""
    path, columns = predictions_file(run, split, task), ["id", "gold", "prediction"]
    # an id such as NA or null is a text; only an empty label is none
    with whole(path):
        table = pd.read_csv(path, usecols=columns, dtype={"id": str}, keep_default_na=False, na_values={"gold": [""]})
        return table.set_index(["id", "gold"])["prediction"].astype(float)


def side_by_side(columns: Mapping[Run, pd.Series], runs: Sequence[Run]) -> pd.DataFrame:
    """One table of several runs, NaN for those without a column. SystemExit where two were evaluated on other
    examples."""
    first, *others = columns
    for run in others:
        if not columns[run].index.equals(columns[first].index):
            raise SystemExit(
                f"{results('evaluate', *run)}: not the examples of {results('evaluate', *first)}; evaluate both again"
            )
    return pd.DataFrame({run: columns.get(run, np.nan) for run in runs}, columns[first].index)
