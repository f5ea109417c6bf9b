"""Which method is better: resampled figures of all methods, and each against the references in `compare`."""

from collections.abc import Mapping
from functools import partial
from itertools import compress
from typing import Any

import numpy as np
import pandas as pd

from protomtl.analysis import bootstrap
from protomtl.analysis.predictions import Predictions
from protomtl.analysis.resampled import FIGURES
from protomtl.seeds import generator
from protomtl.tasks.settings import Task, counted

SEED = 1  # of all resamples: the same bytes every time, and the same resamples whichever methods are run

NOTHING = "No comparisons: no method stands beside one that `compare` names."

COLUMNS = ("split", "method", "reference", "figure", "difference", "low", "high", "p", "p_holm")

Resampled = dict[str, np.ndarray]  # figure -> [resamples, methods, seeds]
Row = dict[Any, Any]  # a comparison: COLUMNS


def resampled_figures(predictions: Predictions, tasks: dict[str, Task], split: str) -> Resampled:
    """The main figure of each task that has labels; and `overall`, the mean of those that count, if all have them.

    A task's examples are resampled once for all methods and seeds. The split only names the draws.
    """
    found: Resampled = {}
    for name, task in tasks.items():
        table = predictions[name]
        gold = table.index.get_level_values("gold").to_numpy(dtype=float)
        methods = table.columns.unique(0)
        if not np.isnan(gold).any():
            there = table.notna().all().to_numpy()  # of methods that have trained the task
            values = np.full((bootstrap.RESAMPLES, len(there)), np.nan)
            predicted = table.to_numpy(dtype=float)[:, there]
            values[:, there] = resampled_task(task, gold, predicted, generator(SEED, "examples", split, name))
            found[name] = values.reshape(len(values), len(methods), -1)
    whole = {"overall": np.mean([found[n] for n in counted(tasks)], axis=0)} if len(found) == len(tasks) else {}
    return found | whole


def resampled_task(task: Task, gold: np.ndarray, predicted: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """[resamples, c] the main figure of a task, for labels [n] and predictions [n, c]."""
    figure = FIGURES[task.main_metric]
    members = partial(task.what.members, task)
    return bootstrap.resample(lambda counts: figure(counts, gold, predicted, members), len(gold), random)


def compare(
    runs: dict[str, pd.DataFrame], resampled: Resampled, tasks: Mapping[str, Task], references: list[str], split: str
) -> list[Row]:
    """A row for each reference, figure and other method: the difference of their means over seeds, its interval, p.

    runs: the figures of each method, a row a seed. p_holm is corrected over the other methods: a family is all
    comparisons of one split with one reference on one figure. Where less is better the sign of the difference is
    turned: above 0 is better, whatever the figure. What is not defined has no row.
    """
    turned = set(tasks) - set(counted(tasks))
    rows: list[Row] = []
    seeds = bootstrap.draw_counts(generator(SEED, "seeds"), bootstrap.RESAMPLES, len(next(iter(runs.values()))))
    for reference in references:
        others = [method for method in runs if method != reference]
        for figure, values in resampled.items():
            sign = -1 if figure in turned else 1
            means = {method: sign * run[figure].mean(skipna=False) for method, run in runs.items()}
            difference = np.array([means[method] - means[reference] for method in others])
            defined = ~np.isnan(difference)
            if not defined.any():
                continue
            drawn = bootstrap.paired_differences(sign * values, list(runs).index(reference), seeds)[:, defined]
            low, high = bootstrap.interval(drawn)
            p = bootstrap.two_sided_p(drawn)
            names = (split, [*compress(others, defined)], reference, figure)
            difference = difference[defined]
            columns = zip(COLUMNS, (*names, difference, low, high, p, bootstrap.holm(p)), strict=True)
            rows += pd.DataFrame(dict(columns)).round(4).to_dict("records")
    return rows
