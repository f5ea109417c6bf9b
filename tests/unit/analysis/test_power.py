"""Power by hand, against the quantiles of scipy, and by simulation of the plan."""

import numpy as np
import pytest
from scipy import stats

from protomtl.analysis import power
from protomtl.seeds import generator


def test_noise_by_hand() -> None:
    """An interval of ± 1.96 × 0.01; deviations 0.003 and 0.004 over five seeds: 25e-6, of which 4/25 are in it."""
    found = power.noise(2 * 1.959964 * 0.01, (0.003, 0.004), 5)
    assert found.trainings == pytest.approx(25e-6)
    assert found.examples == pytest.approx(100e-6 - 4e-6)
    assert power.noise(0.0001, (0.003, 0.004), 5).examples == 0


def test_the_standard_error_of_a_plan_by_hand() -> None:
    """Two splits halve both variances, seeds only that of trainings; an area of four points has less of that."""
    found = power.Noise(trainings=60e-6, examples=40e-6)
    assert power.standard_error(found, seeds=5) == pytest.approx(np.sqrt(12e-6 + 40e-6))
    assert power.standard_error(found, seeds=5, splits=2) == pytest.approx(np.sqrt(6e-6 + 20e-6))
    weights = (1 / 6, 1 / 3, 1 / 3, 1 / 6)
    assert power.standard_error(found, 5, 1, weights) == pytest.approx(np.sqrt(12e-6 * 10 / 36 + 40e-6))


@pytest.mark.parametrize(("difference", "family"), [(0.0, 1), (0.01, 1), (0.02, 3)])
def test_power_is_that_of_a_two_sided_z_test(difference: float, family: int) -> None:
    critical = stats.norm.isf(0.05 / (2 * family))
    slow = stats.norm.sf(critical - difference / 0.005) + stats.norm.cdf(-critical - difference / 0.005)
    assert power.power(difference, 0.005, family) == pytest.approx(slow)
    assert power.power(power.detectable(0.005, family), 0.005, family) == pytest.approx(0.8, abs=1e-3)


def test_power_of_equality_is_that_of_two_one_sided_z_tests() -> None:
    assert power.power_of_equality(0.01, 0.004) == pytest.approx(2 * stats.norm.cdf(0.01 / 0.004 - 1.644854) - 1)
    assert power.power_of_equality(0.01, 0.02) == 0  # the 90 % interval is wider than the margins


@pytest.mark.parametrize(("seeds", "splits"), [(5, 1), (3, 3)])
def test_a_simulated_plan_finds_as_often_as_it_says(seeds: int, splits: int) -> None:
    """8000 comparisons: each split has an error of its examples, each pair of trainings one of its own."""
    random, found = generator(1, "test", seeds), power.Noise(trainings=4e-4, examples=1e-4)
    examples = random.normal(0, 0.01, (8000, splits))
    means = 0.02 + examples.mean(1) + random.normal(0, 0.02, (8000, splits * seeds)).mean(1)
    error = power.standard_error(found, seeds, splits)
    assert means.std() == pytest.approx(error, rel=0.03)
    assert (np.abs(means) > 1.959964 * error).mean() == pytest.approx(power.power(0.02, error), abs=0.015)
    equal = (np.abs(means - 0.02) < 0.03 - 1.644854 * error).mean()
    assert equal == pytest.approx(power.power_of_equality(0.03, error), abs=0.015)
