"""Comparisons over several runs, by hand, against scipy, and by simulation."""

import numpy as np
import pytest
from scipy import stats

from protomtl.analysis import planned
from protomtl.analysis.planned import Estimate


def test_an_interval_is_that_of_the_t_distribution() -> None:
    assert planned.interval(Estimate(0.02, 0.005)) == pytest.approx((0.02 - 1.959964 * 0.005, 0.02 + 1.959964 * 0.005))
    few = planned.interval(Estimate(0.02, 0.005, 2))
    assert few == pytest.approx((0.02 - 4.302653 * 0.005, 0.02 + 4.302653 * 0.005))  # two degrees of freedom


def test_crossed_samples_by_hand() -> None:
    """Two seeds (means 0.02 and 0.04) and three draws (0.02, 0.03 and 0.04): variances 2e-4 / 2 and 1e-4 / 3."""
    values = np.array([[0.01, 0.02, 0.03], [0.03, 0.04, 0.05]])
    found = planned.crossed(values)
    freedom = (4e-4 / 3) ** 2 / (1e-8 + (1e-4 / 3) ** 2 / 2)
    assert found == pytest.approx((0.03, np.sqrt(4e-4 / 3), freedom))
    assert planned.crossed(np.zeros((2, 3))) == (0.0, 0.0, np.inf)
    with pytest.raises(ValueError, match="1 × 3 differences: two at least"):
        planned.crossed(values[:1])


@pytest.mark.parametrize("together", [0.0, 1.0])
def test_crossed_samples_are_called_different_once_in_20_at_most(together: float) -> None:
    """3000 times five seeds, ten draws and 60 texts, with an error of each, and one of each triple."""
    random, rejected = np.random.default_rng(2), []
    for _ in range(3000):
        parts = (random.normal(0, 1, shape) for shape in ((5, 1, 1), (1, 10, 1), (1, 1, 60)))
        values = sum(parts) + together * random.normal(0, 10, (5, 10, 60))
        rejected.append(planned.two_sided_p(planned.crossed(values)) < 0.05)
    assert np.mean(rejected) < 0.06 and (together or np.mean(rejected) > 0.03)


def test_splits_and_sizes_by_hand() -> None:
    """Two splits: √(3² + 4²) / 2 = 2.5. Two sizes on one test set: half of 3 and half of 4."""
    two = [Estimate(0.01, 0.003), Estimate(0.03, 0.004)]
    assert planned.averaged(two) == pytest.approx((0.02, 0.0025, np.inf))
    assert planned.weighted(two, [0.5, 0.5]) == pytest.approx((0.02, 0.0035, np.inf))
    assert planned.averaged(two[:1]) == two[0]


def test_degrees_of_freedom_are_those_of_welch() -> None:
    """Of two means with 5 and 4 values, as scipy has them; errors of one size have their sum."""
    random = np.random.default_rng(0)
    first, second = random.normal(0, 1, 5), random.normal(0, 3, 4)
    parts = [Estimate(x.mean(), x.std(ddof=1) / len(x) ** 0.5, len(x) - 1) for x in (first, -second)]
    found = planned.averaged(parts)
    slow = stats.ttest_ind(first, second, equal_var=False)
    assert found.freedom == pytest.approx(slow.df) and planned.two_sided_p(found) == pytest.approx(slow.pvalue)
    assert planned.averaged([Estimate(0.0, 1.0, 4)] * 3).freedom == pytest.approx(12)
    assert planned.weighted(parts, [0.5, 0.5]).freedom == 3


def test_what_did_not_vary_is_not_known() -> None:
    """Two methods that tie in every seed do not differ; whether they are equal nobody can tell."""
    tie, apart = Estimate(0.0, 0.0, 4), Estimate(0.1, 0.0, 4)
    assert planned.two_sided_p(tie) == 1 and np.isnan(planned.two_sided_p(apart))
    assert np.isnan(planned.equal_p(tie, 0.01)) and np.isnan(planned.equal_p(apart, 0.01))
    assert planned.averaged([tie, tie]) == tie
    assert planned.interval(tie) == (0.0, 0.0)


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
    few = random.normal(0, 1, (4000, 3, 5))  # three splits of five seeds, whose error is only estimated
    plans = [planned.averaged([Estimate(x.mean(), x.std(ddof=1) / 5**0.5, 4) for x in plan]) for plan in few]
    assert 0.03 < np.mean([planned.two_sided_p(e) < 0.05 for e in plans]) < 0.055  # 0.07 as if it were known
    apart = [Estimate(e.difference + 0.01, e.error) for e in found]
    assert np.mean([planned.equal_p(e, 0.01) < 0.05 for e in apart]) == pytest.approx(0.05, abs=0.012)
