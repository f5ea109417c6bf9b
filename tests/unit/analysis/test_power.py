"""Power by hand, against the quantiles of scipy, and by simulation of the plan."""

import numpy as np
import pytest
from scipy import stats

from protomtl.analysis import planned, power
from protomtl.seeds import generator


def test_noise_by_hand() -> None:
    """An interval of ± 1.96 × 0.01; deviations 0.003 and 0.004 over five seeds: 25e-6, of which 4/25 are in it."""
    found = power.noise(2 * 1.959964 * 0.01, (0.003, 0.004), 5)
    assert found.trainings == pytest.approx(25e-6)
    assert found.examples == pytest.approx(100e-6 - 4e-6)
    assert power.noise(0.0001, (0.003, 0.004), 5).examples == 0


def test_degrees_of_freedom_by_hand() -> None:
    """Equal deviations of five seeds have 8; trainings that are half of the variance four times as many. What does not
    vary over seeds is known."""
    found = power.noise(2 * 1.959964 * 0.01, (0.003, 0.003), 5)
    assert found.freedom == pytest.approx(8)
    assert power.freedom(power.Noise(50e-6, 10e-6, 8), 5) == pytest.approx(32)
    assert power.freedom(power.Noise(50e-6, 0.0, 8), 5) == pytest.approx(8)
    known = power.noise(0.04, (0.0, 0.0), 5)
    assert known.freedom == power.freedom(known, 5) == np.inf


def test_few_trainings_are_called_different_once_in_20() -> None:
    """6000 plans of three seeds on one split, whose trainings vary more than the examples, as on the paper's splits.
    With the quantiles of the normal distribution it is once in 13."""
    random = np.random.default_rng(4)
    trained = random.normal(0, 0.0045, (6000, 2, 3))
    differences = random.normal(0, 0.003, 6000) + np.subtract(*trained.mean(2).T)
    p = []
    for difference, (first, second) in zip(differences, trained, strict=True):
        width = 2 * power.BOTH_ENDS * np.sqrt(0.003**2 + np.var(first - second) / 3)
        found = power.noise(width, (first.std(ddof=1), second.std(ddof=1)), 3)
        own = planned.Estimate(difference, power.standard_error(found, 3), power.freedom(found, 3))
        p.append((planned.two_sided_p(own), planned.two_sided_p(own._replace(freedom=np.inf))))
    exact, normal = np.mean(np.array(p) < 0.05, axis=0)
    assert exact == pytest.approx(0.05, abs=0.01) and normal > 0.065


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
