"""What the difference between two methods is worth: bootstrap intervals, paired tests, equality, Holm's correction.

A resample of n examples is a row of counts, how often each example was drawn; a figure of many resamples and many
predictions at once is then a matrix product.

On some resamples a figure may not be defined: a correlation where all drawn labels are equal, say. Such a value is NaN
and is left out, for it is neither 0 nor any other number. Where many are left out there is no interval and no p.
Resamples of very few examples, and those that are all the same, vary less than other examples would.
"""

from collections.abc import Callable
from statistics import NormalDist

import numpy as np

RESAMPLES = 20_000  # so many that Holm's smallest p, 2 × comparisons / (RESAMPLES + 1), decides no verdict
LEVEL, POWER = 0.05, 0.8  # a difference is decided below this p; how often one that is there is to be found
BLOCK = 2**18  # counts that are in memory at a time: 2 MB
CACHED = 2**13  # and that are counted at a time: 64 KB, which stay in the cache
LEAST = 6  # examples: where all speak for one method, a sign test of five has p = 2 / 2^5, above LEVEL
MOST = 0.05  # share of resamples that may be left out: beyond what both tails hold, their ends lie anywhere


def draw_counts(random: np.random.Generator, resamples: int, n: int) -> np.ndarray:
    """[resamples, n] how often each of n things is among n drawn with replacement."""
    counts = np.empty((resamples, n))
    drawn = random.integers(n, size=(resamples, n), dtype=np.int32)
    rows = max(1, CACHED // n)  # counted at a time, each in numbers of its own
    for start in range(0, resamples, rows):
        several = drawn[start : start + rows]
        several += np.arange(len(several), dtype=np.int32)[:, None] * n
        counts[start : start + rows] = np.bincount(several.ravel(), minlength=several.size).reshape(several.shape)
    return counts


def resample(figure: Callable[[np.ndarray], np.ndarray], n: int, random: np.random.Generator) -> np.ndarray:
    """[RESAMPLES, c] the values of `figure`, which maps counts [k, n] to [k, c]; NaN of fewer than LEAST examples."""
    size = max(1, BLOCK // n)
    blocks = (draw_counts(random, min(size, RESAMPLES - start), n) for start in range(0, RESAMPLES, size))
    values = np.concatenate([figure(counts) for counts in blocks])
    return values if n >= LEAST else np.full_like(values, np.nan)


def accuracy(counts: np.ndarray, correct: np.ndarray) -> np.ndarray:
    """[k, c] accuracy on k resamples; counts: [k, n], correct: [n, c] (0 or 1)."""
    return np.asarray(counts @ correct / counts.sum(1, keepdims=True))


def pearson(counts: np.ndarray, gold: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """[k, c] Pearson correlation on k resamples, by weighted moments; NaN where metrics.py says that it is not defined.

    counts: [k, n]; gold: [n]; predicted: [n, c].
    """
    if len(gold) < 3:
        return np.full((len(counts), predicted.shape[1]), np.nan)
    weights = counts / counts.sum(1, keepdims=True)
    y, x = standardised(gold[:, None]), standardised(predicted)
    deviations = deviation(weights, y) * deviation(weights, x)
    covariance = weights @ (x * y) - (weights @ x) * (weights @ y)
    return np.asarray(np.divide(covariance, deviations, out=np.full_like(covariance, np.nan), where=deviations > 0))


def standardised(values: np.ndarray) -> np.ndarray:
    """Columns with mean 0 and deviation 1, so that moments do not cancel; a constant column is 0."""
    varies = np.ptp(values, axis=0) > 0
    return np.where(varies, values - values.mean(0), 0) / np.where(varies, values.std(0), 1)


def deviation(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
    """[k, c] standard deviation of the columns [n, c] under each row of weights [k, n]; 0 if it is rounding only."""
    square = weights @ values**2
    variance = square - (weights @ values) ** 2
    return np.sqrt(np.where(variance > 1e-12 * square, variance, 0))


def undefined(values: np.ndarray) -> np.ndarray:
    """[...] on how many of the resamples [resamples, ...] there is no value."""
    return np.asarray(np.isnan(values).sum(0))


def enough(values: np.ndarray) -> np.ndarray:
    """[...] whether so few resamples are left out that the others allow an interval and a p."""
    return undefined(values) <= MOST * len(values)


def alike(values: np.ndarray) -> np.ndarray:
    """[...] whether all resamples [resamples, ...] that have a value have one, as where every example is right."""
    return np.asarray(np.fmin.reduce(values) == np.fmax.reduce(values))


def interval(values: np.ndarray) -> np.ndarray:
    """[2, ...] the 95 % interval of values on resampled examples; NaN where they are all alike, and say nothing."""
    return np.where(alike(values), np.nan, percentiles(values))


def difference_interval(differences: np.ndarray, examples: int) -> np.ndarray:
    """[2, m] the 95 % interval of resampled differences [resamples, m].

    Where all are alike, both methods answer all examples alike: then it reaches as far as a share of others can on
    which they differ (Clopper and Pearson 1934).
    """
    width = unseen(examples)
    ends = np.fmin.reduce(differences) + np.array([[-width], [width]])
    return np.where(alike(differences) & enough(differences), ends, percentiles(differences))


def unseen(examples: int) -> float:
    """The largest share of what is not among that many examples by chance, 97.5 % of it."""
    return float(1 - (LEVEL / 2) ** (1 / examples))


def percentiles(values: np.ndarray) -> np.ndarray:
    """[2, ...] the 95 % percentile interval of resampled values [resamples, ...] (Efron and Tibshirani 1993, §13.3).

    Resamples without a value are left out; NaN where too many are.
    """
    whole = enough(values)
    ends = np.nanpercentile(np.where(whole, values, 0), [2.5, 97.5], axis=0)
    return np.asarray(np.where(whole, ends, np.nan))


def paired_differences(values: np.ndarray, reference: int, seeds: np.ndarray) -> np.ndarray:
    """[resamples, methods - 1] each other method minus the reference, on resampled examples and seeds.

    values: [resamples, methods, seeds], a figure on the same resample of examples for all methods and seeds;
    reference: a place among the methods; seeds: [resamples, seeds], how often each seed was drawn. Methods are paired
    by example and by seed; with one seed, only examples are resampled. NaN where a drawn seed has no value for either.
    """
    differences = np.delete(values, reference, axis=1) - values[:, [reference]]
    differences = np.where(seeds[:, None] > 0, differences, 0)
    mean: np.ndarray = np.einsum("bms,bs->bm", differences, seeds / seeds.sum(1, keepdims=True))
    return mean.round(12)  # methods that agree differ by exactly 0, in whichever order a product sums


def two_sided_p(differences: np.ndarray) -> np.ndarray:
    """[m] p values of the hypothesis of no difference, given resampled differences [resamples, m].

    Twice the share of resamples on the rarer side of 0, with both counts plus one (Davison and Hinkley 1997, §4.2):
    never below 2 / (resamples + 1), and below 0.05 about when the 95 % interval leaves out 0. Resamples without a value
    are left out; NaN where too many are.
    """
    rarer = np.minimum((differences <= 0).sum(0), (differences >= 0).sum(0))
    there = len(differences) - undefined(differences)
    return np.where(enough(differences), np.minimum(1, 2 * (rarer + 1) / (there + 1)), np.nan)


def equal_p(differences: np.ndarray, margin: float, examples: int) -> np.ndarray:
    """[m] p values of the hypothesis of a difference of `margin` or more, given resampled differences [resamples, m].

    Two one-sided tests (Schuirmann 1987): the larger of the shares of resamples at or beyond either margin, with both
    counts plus one. Below 0.05 about when the 90 % interval lies within the margins. Resamples without a value are
    left out; NaN where too many are. Where all are alike, both methods answer all examples alike, and p is the chance
    of that if they differ on a share of `margin`.
    """
    beyond = np.maximum((differences <= -margin).sum(0), (differences >= margin).sum(0))
    there = len(differences) - undefined(differences)
    least = np.where(alike(differences), max(0, 1 - margin) ** examples, 0)
    return np.where(enough(differences), np.maximum(least, (beyond + 1) / (there + 1)), np.nan)


def detectable(differences: np.ndarray, family: int) -> np.ndarray:
    """[m] the smallest true differences that a test like this one finds with a chance of POWER.

    The test is two-sided at LEVEL / family, what Holm asks of the smallest p of a family: (z_{1 - α/2} + z_{power})
    standard errors (Cohen 1988, §2.5; Bloom 1995), which are the deviations of the resampled differences. NaN where
    all are alike, which does not tell them.
    """
    errors = np.where(alike(differences), np.nan, np.nanstd(differences, axis=0, ddof=1))
    return np.asarray(standard_errors_to_detect(family) * errors)


def standard_errors_to_detect(family: int) -> float:
    """How many standard errors a difference must have to be found with a chance of POWER, at LEVEL / family."""
    z = NormalDist().inv_cdf
    return z(1 - LEVEL / (2 * family)) + z(POWER)


def holm(p: np.ndarray) -> np.ndarray:
    """[m] p values adjusted for m comparisons, the whole of `p`: its family (Holm 1979)."""
    order = np.argsort(p)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)))
    return adjusted
