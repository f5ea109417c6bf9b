"""Each figure of metrics.py on many resamples at once: counts [k, n], labels [n] and predictions [n, c] to [k, c].

Where metrics.py says that a figure is not defined, a resample has NaN (see bootstrap.py).
"""

from collections.abc import Callable

import numpy as np

from protomtl.analysis.bootstrap import accuracy, pearson
from protomtl.tasks.figures import MetricName


def macro_f1(hits: np.ndarray, gold: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """[k] of the classes that occur in a resample."""
    return mean_of(2 * hits, gold + predicted)


def balanced_accuracy(hits: np.ndarray, gold: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """[k] of the classes that occur in the labels of a resample."""
    return mean_of(hits, gold)


def mcc(hits: np.ndarray, gold: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """[k] (Gorodkin 2004, eq. 8); NaN where one class is all there is."""
    rows = gold.sum(1)
    covariance = hits.sum(1) * rows - (gold * predicted).sum(1)
    square = (rows**2 - (gold**2).sum(1)) * (rows**2 - (predicted**2).sum(1))
    return ratio(covariance, np.sqrt(square), square > 0)


def mean_of(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """[k] the mean over the columns of above / below, those where nothing is below aside; NaN where that is all."""
    there = below > 0
    shares = np.divide(above, below, out=np.zeros_like(above), where=there)
    return ratio(shares.sum(1), there.sum(1), there.sum(1) > 0)


def ratio(above: np.ndarray, below: np.ndarray, where: np.ndarray) -> np.ndarray:
    """above / below; NaN elsewhere than `where`."""
    return np.asarray(np.divide(above, below, out=np.full_like(above, np.nan), where=where))


def by_class(figure: Callable[..., np.ndarray]) -> "Figure":
    """A figure of each class's rows [k, classes] that are hit, are of it, and are predicted as it, for each column of
    predictions."""

    def found(counts: np.ndarray, gold: np.ndarray, predicted: np.ndarray, members: Members) -> np.ndarray:
        own, others = members(gold), map(members, predicted.T)
        return np.stack([figure(counts @ (own * other), counts @ own, counts @ other) for other in others], axis=1)

    return found


def of_labels(figure: Callable[..., np.ndarray]) -> "Figure":
    """A figure of the labels themselves."""
    return lambda counts, gold, predicted, members: figure(counts, gold, predicted)


def hits(counts: np.ndarray, gold: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """The accuracy."""
    return accuracy(counts, (predicted == gold[:, None]).astype(float))


def spearman(counts: np.ndarray, gold: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """The correlation of the ranks that a resample has, ties at their middle."""
    own = ranks(counts, gold)
    return np.stack([weighted_pearson(counts, own, ranks(counts, column)) for column in predicted.T], axis=1)


def ranks(counts: np.ndarray, values: np.ndarray) -> np.ndarray:
    """[k, n] the rank of each row's value among the drawn ones, equal values at the middle of their ranks."""
    _, place = np.unique(values, return_inverse=True)
    order = np.argsort(place, kind="stable")
    drawn = np.add.reduceat(counts[:, order], np.flatnonzero(np.diff(place[order], prepend=-1)), axis=1)
    return np.asarray((drawn.cumsum(1) - drawn / 2)[:, place])


def weighted_pearson(counts: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """[k] of a and b [k, n], each row with its own weights; NaN for what is constant, and for fewer than three rows."""
    weights = counts / counts.sum(1, keepdims=True)
    a, b = (x - (weights * x).sum(1, keepdims=True) for x in (a, b))
    covariance, square = (weights * a * b).sum(1), (weights * a**2).sum(1) * (weights * b**2).sum(1)
    says = (square > 1e-12) & (counts.shape[1] > 2)
    return ratio(covariance, np.sqrt(square), says)


def rmse(counts: np.ndarray, gold: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Root of the mean squared difference."""
    return np.asarray(np.sqrt(counts @ (predicted - gold[:, None]) ** 2 / counts.sum(1, keepdims=True)))


Members = Callable[[np.ndarray], np.ndarray]  # labels [n] -> [n, classes], 1 where a row has the class
Figure = Callable[[np.ndarray, np.ndarray, np.ndarray, Members], np.ndarray]  # counts, labels, predictions -> [k, c]

FIGURES: dict[MetricName, Figure] = {
    "accuracy": of_labels(hits),
    "macro_f1": by_class(macro_f1),
    "balanced_accuracy": by_class(balanced_accuracy),
    "mcc": by_class(mcc),
    "pearson": of_labels(pearson),
    "spearman": of_labels(spearman),
    "rmse": of_labels(rmse),
}
