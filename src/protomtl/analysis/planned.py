"""A planned comparison over several kept runs: data splits are averaged, sizes are weighted to an area."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats


class Estimate(NamedTuple):
    """A difference, its standard error, and the degrees of freedom of the error: infinite if it is known."""

    difference: float
    error: float
    freedom: float = math.inf


def weighted(estimates: Sequence[Estimate], weights: Sequence[float]) -> Estimate:
    """A weighted sum of estimates on one test set: their errors may go together, so they add up (an upper bound)."""
    difference = sum(w * e.difference for w, e in zip(weights, estimates, strict=True))
    error = sum(abs(w) * e.error for w, e in zip(weights, estimates, strict=True))
    return Estimate(difference, error, min(e.freedom for e in estimates))


def averaged(estimates: Sequence[Estimate]) -> Estimate:
    """The mean over data splits, whose test sets and trainings are others: their variances add up.

    The degrees of freedom are those of Welch (1947) and Satterthwaite (1946).
    """
    n = len(estimates)
    error = float(np.sqrt(sum(e.error**2 for e in estimates))) / n
    parts = sum(e.error**4 / e.freedom for e in estimates)
    freedom = (n * error) ** 4 / parts if parts else min(e.freedom for e in estimates)
    return Estimate(sum(e.difference for e in estimates) / n, error, freedom)


def crossed(values: np.ndarray) -> Estimate:
    """The mean of differences [seeds, draws, …], each axis of which is a sample: trainings, draws, texts.

    The variances of the means along each axis add up. What two axes have together is counted with each of them, so
    that the error is rather too large (Owen 2007, §3). Degrees of freedom as in `averaged`. ValueError for an axis of
    one.
    """
    if min(values.shape) < 2:
        raise ValueError(f"{' × '.join(map(str, values.shape))} differences: two at least are needed along each axis")
    axes = range(values.ndim)
    means = [values.mean(axis=tuple(other for other in axes if other != axis)) for axis in axes]
    parts = [(mean.var(ddof=1) / len(mean), len(mean) - 1) for mean in means]
    error = sum(variance for variance, _ in parts) ** 0.5
    spread = sum(variance**2 / freedom for variance, freedom in parts)
    return Estimate(float(values.mean()), float(error), float(error**4 / spread) if spread else math.inf)


def interval(found: Estimate) -> tuple[float, float]:
    """95 %, by the t distribution."""
    half = found.error * float(stats.t.ppf(0.975, found.freedom))
    return found.difference - half, found.difference + half


def two_sided_p(found: Estimate) -> float:
    """Of the hypothesis of no difference. NaN for a difference without an error: what did not vary is not known."""
    if not found.error:
        return math.nan if found.difference else 1.0
    return float(2 * stats.t.sf(abs(found.difference) / found.error, found.freedom))


def equal_p(found: Estimate, margin: float) -> float:
    """Of the hypothesis of a difference of `margin` or more: the larger of two one-sided p (Schuirmann 1987).
    NaN without an error."""
    if not found.error:
        return math.nan
    return float(stats.t.cdf((abs(found.difference) - margin) / found.error, found.freedom))
