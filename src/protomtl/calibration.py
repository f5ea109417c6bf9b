"""Whether probabilities can be believed: figures of calibration, of abstention and of novelty, and the temperature.

All take probabilities [n, classes] and labels: [n] class numbers where a row has one class (a binary task has the two
columns no and yes), or [n, classes] of 0 and 1 where it may have several. There each class of a row is a decision of
its own. Figures of no row are NaN.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

BINS = 15  # of the error of calibration, as Guo et al. 2017 have
COLDEST, HOTTEST = 0.05, 20.0  # between which a temperature is looked for
GOLDEN = (np.sqrt(5) - 1) / 2
STEPS = 48  # of the search; each narrows log T by the golden ratio, to 1e-9 at the end


class Bins(NamedTuple):
    """A diagram of reliability; bins without a decision are left out."""

    size: np.ndarray  # the number of decisions
    confidence: np.ndarray  # their mean
    accuracy: np.ndarray  # the share that is right


def nll(probabilities: ArrayLike, labels: ArrayLike) -> float:
    """Mean of -log p of what is right, in nats; inf where it was held for impossible."""
    with np.errstate(divide="ignore"):
        return mean(-np.log(right(probabilities, labels)))


def brier(probabilities: ArrayLike, labels: ArrayLike) -> float:
    """Mean over the rows of Σ_k (p_k - y_k)², from 0 to 2 (Brier 1950); of several labels the mean over the classes of
    (p - y)², from 0 to 1, the form for one event."""
    p, y = checked(probabilities, labels)
    if y.ndim == 2:
        return mean((p - y) ** 2)
    return mean(((p - np.eye(p.shape[1])[y]) ** 2).sum(1))


def ece(probabilities: ArrayLike, labels: ArrayLike, bins: int = BINS) -> float:
    """Expected calibration error: Σ share · |accuracy - confidence| over bins of equal width (Naeini et al. 2015).

    The confidence is that of what is predicted, as in Guo et al. 2017, eq. 3. See `reliability`.
    """
    found = reliability(probabilities, labels, bins)
    if not len(found.size):
        return float("nan")
    return float(np.average(np.abs(found.accuracy - found.confidence), weights=found.size))


def reliability(probabilities: ArrayLike, labels: ArrayLike, bins: int = BINS) -> Bins:
    """What share of the decisions of about one confidence is right, in bins ((b - 1)/bins, b/bins] of equal width."""
    confidence, correct = decisions(probabilities, labels)
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    count = np.bincount(place, minlength=bins)
    used = count > 0
    sums = [np.bincount(place, values, bins)[used] for values in (confidence, correct)]
    return Bins(count[used], sums[0] / count[used], sums[1] / count[used])


def decisions(probabilities: ArrayLike, labels: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """The confidence in what is predicted, and whether it is right: of each row, or of each class of each row."""
    p, y = checked(probabilities, labels)
    if y.ndim == 2:
        return np.maximum(p, 1 - p).ravel(), ((p > 0.5) == (y > 0)).ravel()
    return p.max(1, initial=0.0), p.argmax(1) == y


def risk_coverage(confidence: ArrayLike, correct: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Coverage [n] and risk [n]: the share of wrong answers among the k that are surest, k = 1 .. n.

    El-Yaniv and Wiener 2010. Which of equally sure answers comes first says nothing, so each stands for their mean.
    """
    confidence, wrong = np.asarray(confidence, float), 1 - np.asarray(correct, float)
    _, place, count = np.unique(-confidence, return_inverse=True, return_counts=True)
    tied = (np.bincount(place, wrong, len(count)) / count)[np.sort(place)]
    kept = np.arange(1, len(wrong) + 1)
    return kept / max(len(wrong), 1), np.cumsum(tied) / kept


def aurc(probabilities: ArrayLike, labels: ArrayLike) -> float:
    """Area under the curve of risk against coverage: the mean of the risks (Geifman et al. 2019); less is better."""
    return mean(risk_coverage(*decisions(probabilities, labels))[1])


def auroc(scores: ArrayLike, positive: ArrayLike) -> float:
    """Chance that a positive row has a higher score than a negative one, of equal ones half (Hanley and McNeil 1982).

    scores, positive: [n]. NaN where there is no row of one of the two kinds.
    """
    scores, positive = np.asarray(scores, float), np.asarray(positive, bool)
    _, place, count = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(count) - (count - 1) / 2)[place]  # from 1; equal scores share the mean of theirs
    yes = int(positive.sum())
    no = len(positive) - yes
    if not yes or not no:
        return float("nan")
    return float((ranks[positive].sum() - yes * (yes + 1) / 2) / (yes * no))


def fit_temperature(logits: ArrayLike, labels: ArrayLike) -> float:
    """T under which labels of held-out rows are likeliest if logits are divided by it (Guo et al. 2017, §4.2).

    logits: [n, classes] for a softmax, or for a sigmoid each where labels are [n, classes]. Their loss is convex in
    1/T, so it has one minimum in log T, which a golden section finds between COLDEST and HOTTEST. What was held for
    impossible, as a class without a training row, is left out: no T makes it likelier. 1 without a row, and where all
    are right: the colder the likelier is then each, which says nothing of how sure to be.
    """
    z, y = checked(logits, labels)
    possible = np.isfinite(losses(z, y))
    if not possible.any() or all_right(z, y, possible):
        return 1.0

    def loss(log_t: float) -> float:
        return mean(losses(z / np.exp(log_t), y)[possible])

    return float(np.exp(minimum(loss, np.log(COLDEST), np.log(HOTTEST))))


def all_right(logits: np.ndarray, labels: np.ndarray, possible: np.ndarray) -> bool:
    """Whether no label that is possible is less likely than another one; possible: in the shape of `losses`."""
    if labels.ndim == 2:
        return bool((np.where(labels > 0, logits, -logits)[possible] >= 0).all())
    return bool((logits[np.arange(len(labels)), labels] == logits.max(1))[possible].all())


def softened(logits: ArrayLike, temperature: float = 1.0, several: bool = False) -> np.ndarray:
    """[n, classes] the probabilities of logits divided by a temperature: of a softmax, or a sigmoid for each class
    where a row may have several. What is predicted is the same at each temperature."""
    z = np.asarray(logits, float) / temperature
    return np.asarray(np.exp(-np.logaddexp(0, -z)) if several else np.exp(z - logsumexp(z)))


def logits_of(probabilities: ArrayLike, several: bool = False) -> np.ndarray:
    """[n, classes] logits that give these probabilities: log p, or with several labels a row log p - log(1 - p).

    Of 0 and 1 the nearest doubles are taken: have logits if you can.
    """
    p = np.asarray(probabilities, float)
    tiny = np.finfo(float).tiny
    log_p = np.log(np.maximum(p, tiny))
    return np.asarray(log_p - np.log(np.maximum(1 - p, np.finfo(float).eps / 2)) if several else log_p)


def losses(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """[n] cross entropies of logits [n, classes]; of labels [n, classes] the binary ones [n, classes]."""
    if labels.ndim == 2:
        return np.logaddexp(0, np.where(labels > 0, -logits, logits))
    return np.asarray((logsumexp(logits) - logits)[np.arange(len(labels)), labels])


def logsumexp(logits: np.ndarray) -> np.ndarray:
    """[n, 1] log Σ exp of [n, classes]."""
    most = logits.max(1, keepdims=True)
    return np.asarray(most + np.log(np.exp(logits - most).sum(1, keepdims=True)))


def minimum(of: Callable[[float], float], low: float, high: float) -> float:
    """Where a function with one minimum between low and high is smallest, by golden sections (Kiefer 1953)."""
    left, middle = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    at_left, at_middle = of(left), of(middle)
    for _ in range(STEPS):
        if at_left <= at_middle:
            high, middle, at_middle = middle, left, at_left
            left = high - GOLDEN * (high - low)
            at_left = of(left)
        else:
            low, left, at_left = left, middle, at_middle
            middle = low + GOLDEN * (high - low)
            at_middle = of(middle)
    return (low + high) / 2


def right(probabilities: ArrayLike, labels: ArrayLike) -> np.ndarray:
    """[n], or [n, classes] of several labels, the probability of what is right."""
    p, y = checked(probabilities, labels)
    return np.where(y > 0, p, 1 - p) if y.ndim == 2 else p[np.arange(len(y)), y]


def checked(scores: ArrayLike, labels: ArrayLike) -> tuple[np.ndarray, Any]:
    """Both as arrays: [n, classes] floats, and [n] whole numbers or [n, classes]. ValueError for other shapes."""
    p, y = np.asarray(scores, float), np.asarray(labels)
    if p.ndim != 2 or (y.shape != p.shape and y.shape != p.shape[:1]):
        raise ValueError(f"scores {p.shape} and labels {y.shape}: [n, classes] and [n] or [n, classes] are needed")
    y = y.astype(int) if y.ndim == 1 else y.astype(float)
    if y.ndim == 1 and len(y) and not 0 <= y.min() <= y.max() < p.shape[1]:
        raise ValueError(f"labels from {y.min()} to {y.max()}: of {p.shape[1]} classes they are 0 to {p.shape[1] - 1}")
    return p, y


def mean(values: np.ndarray) -> float:
    """NaN of none."""
    return float(values.mean()) if values.size else float("nan")
