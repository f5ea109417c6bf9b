"""What a planned comparison could find: its standard error from what finished runs vary, and the power at a margin."""

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from protomtl.analysis.bootstrap import LEVEL, standard_errors_to_detect

NORMAL = NormalDist()
BOTH_ENDS = NORMAL.inv_cdf(0.975)  # standard errors from the middle of a 95 % interval to its ends


class Noise(NamedTuple):
    """Variances of the difference of two methods: of one pair of trainings, and of one test set.

    freedom: degrees of freedom of the first, which few trainings only estimate; infinite if it is known.
    """

    trainings: float
    examples: float
    freedom: float = math.inf


def noise(interval: float, deviations: tuple[float, float], seeds: int) -> Noise:
    """Of a finished comparison: width of its 95 % interval over seeds and examples, both deviations over seeds.

    The trainings of two methods count as independent. A bootstrap of s seeds has (s - 1) / s of their variance, and
    what remains of the interval's variance is of the examples. The degrees of freedom are Welch's (1947).
    """
    variances = np.square(deviations)
    trainings, whole = float(variances.sum()), (interval / (2 * BOTH_ENDS)) ** 2
    freedom = (seeds - 1) * trainings**2 / float(np.square(variances).sum()) if trainings else math.inf
    return Noise(trainings, max(0.0, whole - trainings * (seeds - 1) / seeds**2), freedom)


def freedom(found: Noise, seeds: int) -> float:
    """Of the `standard_error` on one data split: the variance of the examples counts as known (Satterthwaite 1946)."""
    own = found.trainings / seeds
    return found.freedom * ((own + found.examples) / own) ** 2 if own else math.inf


def standard_error(found: Noise, seeds: int, splits: int = 1, weights: Sequence[float] = (1.0,)) -> float:
    """Of the difference of two means over `seeds` trainings on each of `splits` data splits, each with its test set.

    weights: of several trainings that one figure is the weighted mean of, as an area is; their test set is one.
    """
    share = float(np.square(weights).sum())
    return float(np.sqrt(found.trainings * share / (seeds * splits) + found.examples / splits))


def power(difference: float, error: float, family: int = 1) -> float:
    """The chance that a true difference is found, two-sided, at LEVEL / family (the strictest of Holm's levels)."""
    critical = NORMAL.inv_cdf(1 - LEVEL / (2 * family))
    return NORMAL.cdf(difference / error - critical) + NORMAL.cdf(-difference / error - critical)


def power_of_equality(margin: float, error: float, family: int = 1) -> float:
    """The chance that two methods without any difference are called equal, by two one-sided tests."""
    critical = NORMAL.inv_cdf(1 - LEVEL / family)
    return max(0.0, 2 * NORMAL.cdf(margin / error - critical) - 1)


def detectable(error: float, family: int = 1) -> float:
    """The smallest difference that is found in 80 % of cases."""
    return standard_errors_to_detect(family) * error
