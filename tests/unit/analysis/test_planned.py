"""Comparisons over several runs, by hand, against scipy, and by simulation."""

import numpy as np
import pytest
from scipy import stats

from protomtl.analysis import planned
from protomtl.analysis.planned import Estimate


def test_an_interval_gives_its_standard_error_back() -> None:
    low, high = planned.interval(Estimate(0.02, 0.005))
    assert (low, high) == pytest.approx((0.02 - 1.959964 * 0.005, 0.02 + 1.959964 * 0.005))
    assert planned.from_interval(0.02, low, high) == pytest.approx((0.02, 0.005))


def test_splits_and_sizes_by_hand() -> None:
    """Two splits: √(3² + 4²) / 2 = 2.5. Two sizes on one test set: half of 3 and half of 4."""
    two = [Estimate(0.01, 0.003), Estimate(0.03, 0.004)]
    assert planned.averaged(two) == pytest.approx((0.02, 0.0025))
    assert planned.weighted(two, [0.5, 0.5]) == pytest.approx((0.02, 0.0035))
    assert planned.averaged(two[:1]) == two[0]


@pytest.mark.parametrize("difference", [-0.02, 0.0, 0.004, 0.02])
def test_p_values_are_those_of_z_tests(difference: float) -> None:
    found = Estimate(difference, 0.005)
    assert planned.two_sided_p(found) == pytest.approx(2 * stats.norm.sf(abs(difference) / 0.005))
    slow = max(stats.norm.sf((difference + 0.01) / 0.005), stats.norm.cdf((difference - 0.01) / 0.005))
    assert planned.equal_p(found, 0.01) == pytest.approx(slow)


def test_equal_methods_are_called_different_once_in_20() -> None:
    """4000 plans of three splits without any difference; and a margin apart they are called equal once in 20."""
    random = np.random.default_rng(1)
    errors = (0.004, 0.006, 0.008)
    drawn = [[Estimate(random.normal(0, e), e) for e in errors] for _ in range(4000)]
    found = [planned.averaged(plan) for plan in drawn]
    assert np.mean([planned.two_sided_p(e) < 0.05 for e in found]) == pytest.approx(0.05, abs=0.012)
    apart = [Estimate(e.difference + 0.01, e.error) for e in found]
    assert np.mean([planned.equal_p(e, 0.01) < 0.05 for e in apart]) == pytest.approx(0.05, abs=0.012)
