"""The figures of a task (§5.2: accuracy and Pearson correlation, others on demand), and their mean."""

import math
from collections.abc import Callable, Mapping

import numpy as np

from protomtl.tasks.figures import MetricName
from protomtl.tasks.settings import Task, counted

SILENT = math.nan  # stands for a figure that says nothing: files have null for it, or an empty field


def accuracy(gold: np.ndarray, predicted: np.ndarray) -> float:
    """Share of the labels [n], or sets of them [n, classes], that are predicted."""
    return float((gold == predicted).all(axis=tuple(range(1, gold.ndim))).mean())


def macro_f1(gold: np.ndarray, predicted: np.ndarray) -> float:
    """The mean over the classes that occur, in the labels [n] or [n, classes] or among the predictions, of their F1."""
    from sklearn.metrics import f1_score  # heavy

    each = f1_score(gold, predicted, average=None, zero_division=np.nan)
    return SILENT if np.isnan(each).all() else float(np.nanmean(each))


def balanced_accuracy(gold: np.ndarray, predicted: np.ndarray) -> float:
    """The mean over the classes that occur in the labels [n] of the share of their rows that is predicted."""
    from sklearn.metrics import recall_score  # heavy

    return float(recall_score(gold, predicted, labels=np.unique(gold), average="macro"))


def mcc(gold: np.ndarray, predicted: np.ndarray) -> float:
    """Matthews correlation of two [n], of any number of classes (Gorodkin 2004); see `correlates`."""
    from sklearn.metrics import matthews_corrcoef  # heavy

    return float(matthews_corrcoef(gold, predicted)) if np.ptp(gold) and np.ptp(predicted) else SILENT


def pearson(gold: np.ndarray, predicted: np.ndarray) -> float:
    """Correlation of two [n]; NaN where it says nothing: see `correlates`.

    To the bit scipy.stats.pearsonr, whose import takes longer than most jobs compute figures.
    """
    if not correlates(gold, predicted):
        return SILENT
    kind = np.result_type(gold, predicted)
    both = (values.astype(kind if kind.kind == "f" else float) for values in (gold, predicted))
    return float(np.clip(np.vecdot(*map(direction, both)), -1, 1))


def direction(values: np.ndarray) -> np.ndarray:
    """[n] what the values [n] differ from their mean, at length 1; no square of it overflows."""
    apart = values - values.mean()
    most = np.abs(apart).max()
    return np.asarray(apart / (most * np.linalg.norm(apart / most, axis=0)))


def spearman(gold: np.ndarray, predicted: np.ndarray) -> float:
    """Correlation of the ranks of two [n]; NaN where it says nothing: see `correlates`.

    To the bit scipy.stats.spearmanr, as above.
    """
    return float(np.corrcoef(ranks(gold), ranks(predicted))[1, 0]) if correlates(gold, predicted) else SILENT


def ranks(values: np.ndarray) -> np.ndarray:
    """[n] the places of values [n] in their order, from 1; equal ones have the mean of theirs."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[place])


def rmse(gold: np.ndarray, predicted: np.ndarray) -> float:
    """Root of the mean squared difference of two [n], in the unit of the labels."""
    return float(np.sqrt(np.mean((gold - predicted) ** 2)))


def correlates(gold: np.ndarray, predicted: np.ndarray) -> bool:
    """Whether a correlation says anything: not of constants, of what is no number, nor of two rows, for which it is
    always 1 or -1."""
    return len(gold) > 2 and bool(np.ptp(gold) > 0) and bool(np.ptp(predicted) > 0)


METRICS: dict[MetricName, Callable[[np.ndarray, np.ndarray], float]] = {
    "accuracy": accuracy,
    "macro_f1": macro_f1,
    "balanced_accuracy": balanced_accuracy,
    "mcc": mcc,
    "pearson": pearson,
    "spearman": spearman,
    "rmse": rmse,
}


def task_metrics(task: Task, gold: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """The figure that counts for a task, and those that every task of its kind shows."""
    both = compared(task, gold, predicted)
    return {name: METRICS[name](*both) for name in dict.fromkeys((task.main_metric, *task.what.beside))}


def main_figure(task: Task, gold: np.ndarray, predicted: np.ndarray) -> float:
    """The one figure of a task that stands for it; see `task_metrics`."""
    return METRICS[task.main_metric](*compared(task, gold, predicted))


def compared(task: Task, gold: np.ndarray, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Labels and predictions as metrics take them.

    Values that are written alike are one value where their order counts, and where all are: what differs less is
    rounding, and differs from machine to machine. Intervals and comparisons are of what is written.
    """
    gold, predicted = task.what.targets(task, gold), task.what.targets(task, predicted)
    if not task.what.has_classes:
        written = task.what.written(predicted)
        if task.main_metric == "spearman" or (len(written) and not np.ptp(written)):
            predicted = written
    return gold, predicted


def overall(tasks: Mapping[str, Task], main: Mapping[str, float], rescaled: bool = False) -> float:
    """Mean of the tasks' main figures, those aside of which less is better.

    rescaled: each on a scale from 0 to 1, a correlation r as (r + 1) / 2; the course's leaderboards do so, the paper
    does not (§5.2), and the two must not be compared.
    """
    return float(np.mean([tasks[n].figure.rescaled(main[n]) if rescaled else main[n] for n in counted(tasks)]))
