"""A planned comparison over several kept runs: data splits are averaged, sizes are weighted to an area."""

from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

NORMAL = NormalDist()
BOTH_ENDS = 2 * NORMAL.inv_cdf(0.975)  # standard errors in a 95 % interval


class Estimate(NamedTuple):
    """A difference and its standard error."""

    difference: float
    error: float


def from_interval(difference: float, low: float, high: float) -> Estimate:
    """Of a comparison that is kept with its 95 % interval, over examples and seeds."""
    return Estimate(difference, (high - low) / BOTH_ENDS)


def weighted(estimates: Sequence[Estimate], weights: Sequence[float]) -> Estimate:
    """A weighted sum of estimates on one test set: their errors may go together, so they add up (an upper bound)."""
    difference = sum(w * e.difference for w, e in zip(weights, estimates, strict=True))
    return Estimate(difference, sum(abs(w) * e.error for w, e in zip(weights, estimates, strict=True)))


def averaged(estimates: Sequence[Estimate]) -> Estimate:
    """The mean over data splits, whose test sets and trainings are others: their variances add up."""
    n = len(estimates)
    error = float(np.sqrt(sum(e.error**2 for e in estimates))) / n
    return Estimate(sum(e.difference for e in estimates) / n, error)


def interval(found: Estimate) -> tuple[float, float]:
    """95 %, by the normal distribution."""
    half = found.error * BOTH_ENDS / 2
    return found.difference - half, found.difference + half


def two_sided_p(found: Estimate) -> float:
    """Of the hypothesis of no difference."""
    return 2 * NORMAL.cdf(-abs(found.difference) / found.error)


def equal_p(found: Estimate, margin: float) -> float:
    """Of the hypothesis of a difference of `margin` or more: the larger of two one-sided p (Schuirmann 1987)."""
    return NORMAL.cdf((abs(found.difference) - margin) / found.error)
