"""How strange a row is to a task, of what its network gives: two scores, of which more is stranger."""

import numpy as np

from protomtl.calibration import logsumexp

KEPT = 0.95  # share of a task's own dev rows that the threshold lets through


def energy(logits: np.ndarray, several: bool = False) -> np.ndarray:
    """[n] -log Σ exp z_k of the logits [n, classes] (Liu et al. 2020); where a row may have several classes,
    -Σ log(1 + exp z_k) (Wang et al. 2021)."""
    logits = np.asarray(logits, float)
    if several:
        logits = np.where(logits == np.inf, -np.inf, logits)  # a class that all training rows have tells nothing
        return np.asarray(-np.logaddexp(0, logits).sum(1))
    return -logsumexp(logits)[:, 0]


def distance(vectors: np.ndarray, prototypes: np.ndarray) -> np.ndarray:
    """[n] 1 - cosine of vectors [n, d] and the nearest of the prototypes [k, d]; NaN stands for a class without."""
    there = prototypes[np.isfinite(prototypes[:, 0])]
    return np.asarray(1 - (unit(vectors) @ unit(there).T).max(1))


def unit(vectors: np.ndarray) -> np.ndarray:
    """[n, d] of length 1; zeros stay."""
    length = np.linalg.norm(np.asarray(vectors, float), axis=1, keepdims=True)
    return np.asarray(vectors / np.where(length > 0, length, 1))


def threshold(scores: np.ndarray) -> float:
    """Above which a row is taken for none of the task's: KEPT of these scores [n] of its own dev rows are not."""
    return float(np.quantile(scores, KEPT, method="higher"))
