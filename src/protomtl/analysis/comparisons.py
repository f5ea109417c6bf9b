"""Which method is better: resampled figures of all methods, and each against the references in `compare`."""

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import compress
from typing import Any

import numpy as np
import pandas as pd

from protomtl.analysis import bootstrap, trainings
from protomtl.analysis.predictions import Predictions
from protomtl.analysis.resampled import FIGURES
from protomtl.seeds import generator
from protomtl.tasks.settings import Task, counted

SEED = 1  # of all resamples: the same bytes every time, and the same resamples whichever methods are run

NOTHING = "No comparisons: no method stands beside one that `compare` names."

COLUMNS = (
    *("split", "method", "reference", "figure", "difference", "low", "high", "p", "p_holm"),
    *("margin", "p_equal", "detectable", "improvement", "improvement_low", "improvement_high", "family", "undefined"),
)

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


def examples(predictions: Predictions, tasks: Mapping[str, Task]) -> dict[str, int]:
    """How many examples each figure has; `overall`, as many as the smallest of the tasks that count."""
    sizes = {name: len(predictions[name]) for name in tasks}
    return sizes | {"overall": min(sizes[name] for name in counted(tasks) or tasks)}


def compare(
    runs: dict[str, pd.DataFrame],
    resampled: Resampled,
    tasks: Mapping[str, Task],
    references: list[str],
    split: str,
    margin: float,
    sizes: Mapping[str, int],
) -> list[Row]:
    """A row for each reference, figure and other method: the difference of their means over seeds, and its worth.

    runs: the figures of each method, a row a seed; sizes: see `examples`. A family is all comparisons of one split with
    one reference on one figure; p_holm and p_equal are corrected over it, `family` is its size. p_equal: of a
    difference of `margin` or more. detectable: the smallest difference that such a comparison finds with a chance of
    80 %. improvement: how probably one training has more than one of the reference, with its interval; not of one seed.
    Where less is better the sign of the difference is turned: above 0 is better, whatever the figure. Such a figure
    is on the scale of its labels, so `margin` is not its own, and p_equal is NaN. What a method lacks, or is not
    defined, or not on enough resamples, has no row; `undefined` says how many resamples an interval and its p leave
    out.
    """
    turned = set(tasks) - set(counted(tasks))
    rows: list[Row] = []
    drawn = [draw_seeds(len(next(iter(runs.values()))), *purpose) for purpose in ((), ("reference",))]
    for reference in references:
        for figure, values in resampled.items():
            if not all(figure in run for run in runs.values()):
                continue  # `overall` where no row has all tasks
            sign = -1 if figure in turned else 1
            figures = {method: sign * run[figure].to_numpy() for method, run in runs.items()}
            names = {"split": split, "figure": figure}
            rows += compare_family(
                figures, sign * values, drawn, reference, np.nan if sign < 0 else margin, sizes[figure], names
            )
    return rows


def compare_family(
    figures: Mapping[str, np.ndarray],
    values: np.ndarray,
    seeds: Sequence[np.ndarray],
    reference: str,
    margin: float,
    size: int,
    names: Mapping[str, str],
) -> list[Row]:
    """The rows of one family: every other method minus the reference, on one figure, where more is better.

    figures: [seeds] of each method; values: [resamples, methods, seeds], on resampled examples; seeds: how often each
    was drawn, and for the probability of improvement, which pairs none, how often each of the reference was; size: its
    examples; names: what is the same in all rows.
    """
    others = [method for method in figures if method != reference]
    difference = np.array([figures[method].mean() - figures[reference].mean() for method in others])
    drawn = bootstrap.paired_differences(values, list(figures).index(reference), seeds[0])
    defined = ~np.isnan(difference) & bootstrap.enough(drawn)
    if not defined.any():
        return []
    drawn = drawn[:, defined]
    low, high = bootstrap.difference_interval(drawn, size)
    p, family = bootstrap.two_sided_p(drawn), int(defined.sum())
    known: dict[str, Any] = {
        **names,
        **{"method": [*compress(others, defined)], "reference": reference, "difference": difference[defined]},
        **{"low": low, "high": high, "p": p, "p_holm": bootstrap.holm(p), "margin": margin, "family": family},
        **{"p_equal": np.nan if np.isnan(margin) else bootstrap.holm(bootstrap.equal_p(drawn, margin, size))},
        **{"detectable": bootstrap.detectable(drawn, family), "undefined": bootstrap.undefined(drawn)},
    }
    chances = [improved(figures[method], figures[reference], *seeds) for method in known["method"]]
    known |= dict(zip(COLUMNS[12:15], np.transpose(chances), strict=True))
    return pd.DataFrame(known)[[*COLUMNS]].to_dict("records")


def draw_seeds(seeds: int, *purpose: str) -> np.ndarray:
    """[resamples, seeds] how often each seed is drawn."""
    return bootstrap.draw_counts(generator(SEED, "seeds", *purpose), bootstrap.RESAMPLES, seeds)


def improved(ours: np.ndarray, theirs: np.ndarray, our_counts: np.ndarray, their_counts: np.ndarray) -> list[float]:
    """The probability of improvement and its 95 % interval; three times NaN for one seed, which tells nothing."""
    if len(ours) == 1:
        return [np.nan] * 3
    low, high = bootstrap.percentiles(trainings.resampled_improvement(ours, theirs, our_counts, their_counts))
    return [trainings.improvement(ours, theirs), low, high]
