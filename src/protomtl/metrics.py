"""The paper's metrics (§5.2): accuracy, Pearson correlation (Spearman beside it), and their mean."""

from collections.abc import Callable, Mapping

import numpy as np
from scipy import stats

from protomtl.tasks.settings import Task


def accuracy(gold: np.ndarray, predicted: np.ndarray) -> float:
    """Share of the labels [n] that are predicted."""
    return float((gold == predicted).mean())


def pearson(gold: np.ndarray, predicted: np.ndarray) -> float:
    """Correlation of two [n]; 0 where it says nothing: see `correlates`."""
    return float(stats.pearsonr(gold, predicted).statistic) if correlates(gold, predicted) else 0.0


def spearman(gold: np.ndarray, predicted: np.ndarray) -> float:
    """Correlation of the ranks of two [n]; 0 where it says nothing: see `correlates`."""
    return float(stats.spearmanr(gold, predicted).statistic) if correlates(gold, predicted) else 0.0


def correlates(gold: np.ndarray, predicted: np.ndarray) -> bool:
    """Whether a correlation says anything: not of constants, nor of two rows, for which it is always 1 or -1."""
    return len(gold) > 2 and bool(np.ptp(gold)) and bool(np.ptp(predicted))


METRICS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "accuracy": accuracy,
    "pearson": pearson,
    "spearman": spearman,
}


def task_metrics(task: Task, gold: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Every figure of a task of this kind."""
    return {name: METRICS[name](gold, predicted) for name in task.what.metrics}


def main_metric(task: Task, values: Mapping[str, float]) -> float:
    """The one figure of a task that counts for `overall`."""
    return values[task.what.metrics[0]]


def overall(main: Mapping[str, float]) -> float:
    """Mean over the tasks of accuracy (a fraction) or Pearson correlation."""
    return float(np.mean(list(main.values())))
