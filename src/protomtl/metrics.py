"""The paper's metrics (§5.2): accuracy, Pearson correlation (Spearman beside it), and their mean."""

from collections.abc import Mapping

import numpy as np
from scipy import stats

from protomtl.schema import Task


def predictions(task: Task, scores: np.ndarray) -> np.ndarray:
    """[n] class numbers, or values for regression, of the scores [n, classes or 1]."""
    return scores[:, 0] if task.kind == "regression" else scores.argmax(1)


def task_metrics(task: Task, gold: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """{"accuracy"} for classes, {"pearson", "spearman"} for regression; constant predictions correlate with 0."""
    if task.kind != "regression":
        return {"accuracy": float((gold == predicted).mean())}
    if np.ptp(gold) == 0 or np.ptp(predicted) == 0:
        return {"pearson": 0.0, "spearman": 0.0}
    return {
        "pearson": float(stats.pearsonr(gold, predicted).statistic),
        "spearman": float(stats.spearmanr(gold, predicted).statistic),
    }


def main_metric(values: Mapping[str, float]) -> float:
    """The one figure of a task that counts for `overall`."""
    return values["pearson"] if "pearson" in values else values["accuracy"]


def overall(main: Mapping[str, float]) -> float:
    """Mean over the tasks of accuracy (a fraction) or Pearson correlation."""
    return float(np.mean(list(main.values())))
