"""Areas and steps by hand, and against the trapezoids of scipy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate

from protomtl.analysis import curves

sizes = st.lists(st.integers(1, 5000), min_size=2, max_size=6, unique=True).map(sorted)


def test_the_area_of_four_sizes_by_hand() -> None:
    """16, 64, 256 and 1,024 are equally far apart: half a weight at the ends."""
    assert curves.area_weights([16, 64, 256, 1024]) == pytest.approx([1 / 6, 1 / 3, 1 / 3, 1 / 6])
    assert curves.area([16, 64, 256, 1024], np.array([0.3, 0.6, 0.6, 0.9])) == pytest.approx(0.6)


@given(sizes, st.integers(0, 99))
def test_the_area_is_that_of_trapezoids_over_the_logarithm(rows: list[int], seed: int) -> None:
    values = np.random.default_rng(seed).random((len(rows), 3))
    x = np.log(rows)
    slow = integrate.trapezoid(values, x, axis=0) / (x[-1] - x[0])
    assert curves.area(rows, values) == pytest.approx(slow)
    assert curves.area(rows, np.ones(len(rows))) == pytest.approx(1)


@pytest.mark.parametrize("rows", [[16], [64, 16], [16, 16]])
def test_an_area_needs_rising_sizes(rows: list[int]) -> None:
    with pytest.raises(ValueError, match="two sizes or more are needed, rising"):
        curves.area_weights(rows)


@pytest.mark.parametrize(
    ("target", "step"), [(0.1, 10), (0.4, 10), (0.5, 15), (0.6, 20), (0.7, 40), (0.9, float("inf"))]
)
def test_the_first_step_at_a_target_lies_on_the_line_between_points(target: float, step: float) -> None:
    """A dip behind the first arrival does not count."""
    steps, values = np.array([10, 20, 30, 40]), np.array([0.4, 0.6, 0.5, 0.7])
    assert curves.steps_to(steps, values, target) == pytest.approx(step)


@pytest.mark.parametrize("nothing", [float("nan"), -float("inf")])
def test_points_that_are_not_finite_are_none(nothing: float) -> None:
    """The line goes past them: from 0.4 at 10 to 0.6 at 30. Such an end gives no step."""
    steps, values = np.array([10, 20, 30]), np.array([0.4, nothing, 0.6])
    assert curves.steps_to(steps, values, 0.5) == pytest.approx(20)
    assert curves.steps_to(steps, np.full(3, nothing), 0.5) == float("inf")
    assert np.isnan(curves.steps_to(steps, values, nothing))
