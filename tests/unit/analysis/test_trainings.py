"""Figures of several seeds: by hand, and against what scipy says of the same."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from protomtl.analysis import bootstrap, trainings
from protomtl.seeds import generator

figures = st.lists(st.integers(0, 9).map(lambda tenths: tenths / 10), min_size=1, max_size=6).map(np.array)


@pytest.mark.parametrize(
    ("values", "mean"),
    [([0.7], 0.7), ([0.1, 0.7, 0.8], 1.6 / 3), ([0.1, 0.7, 0.8, 0.9], 0.75), ([0.9, 0.1, 0.7, 0.8, 0.75], 0.75)],
)
def test_one_seed_of_four_that_went_wrong_does_not_count(values: list[float], mean: float) -> None:
    """Up to three all count; of four and five the smallest and the largest do not."""
    assert trainings.interquartile_mean(np.array(values)) == pytest.approx(mean)


@given(figures)
def test_the_mean_of_the_middle_is_scipys_to_the_bit(values: np.ndarray) -> None:
    assert trainings.interquartile_mean(values) == stats.trim_mean(values, 0.25)


def test_improvement_by_hand() -> None:
    """Of six pairs 0.6 and 0.8 win three, and one is a tie."""
    assert trainings.improvement(np.array([0.6, 0.8]), np.array([0.5, 0.6, 0.9])) == pytest.approx(3.5 / 6)


@given(figures, figures)
def test_improvement_is_the_statistic_of_mann_and_whitney(ours: np.ndarray, theirs: np.ndarray) -> None:
    u = stats.mannwhitneyu(ours, theirs).statistic
    assert trainings.improvement(ours, theirs) == pytest.approx(u / (len(ours) * len(theirs)))
    assert trainings.improvement(ours, theirs) == pytest.approx(1 - trainings.improvement(theirs, ours))


@given(figures, figures, st.integers(0, 99))
def test_resampled_improvement_is_that_of_the_repeated_seeds(ours: np.ndarray, theirs: np.ndarray, seed: int) -> None:
    random = generator(seed, "test")
    first, second = (bootstrap.draw_counts(random, 5, len(values)) for values in (ours, theirs))
    found = trainings.resampled_improvement(ours, theirs, first, second)
    for k in range(5):
        repeated = [np.repeat(v, c[k].astype(int)) for v, c in ((ours, first), (theirs, second))]
        assert found[k] == pytest.approx(trainings.improvement(*repeated))


def test_the_interval_of_improvement_holds_the_truth_mostly() -> None:
    """200 pairs of ten trainings each, from normals 1 apart: Φ(1 / √2) = 0.76. Ten are few, so 0.95 is not reached."""
    random = generator(16, "test")
    counts = [bootstrap.draw_counts(random, 500, 10) for _ in range(2)]
    held = []
    for _ in range(200):
        ours, theirs = random.normal(1, size=10), random.normal(size=10)
        low, high = bootstrap.interval(trainings.resampled_improvement(ours, theirs, *counts))
        held.append(low <= stats.norm.cdf(0.5**0.5) <= high)
    assert 0.86 < np.mean(held) < 0.98
