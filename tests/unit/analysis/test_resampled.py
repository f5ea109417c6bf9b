"""Figures of many resamples at once are those that evaluation gives of the rows that were drawn."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from protomtl.analysis import bootstrap, resampled
from protomtl.metrics import METRICS
from protomtl.seeds import generator
from protomtl.tasks.figures import FIGURES as NAMES
from protomtl.tasks.settings import Files, Task

FILES = Files(train="train.csv", dev="dev.csv", test="test.csv")


@st.composite
def drawn(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Counts [k, n], labels [n] and predictions [n, c] of up to four classes."""
    n, c, k = (draw(st.integers(low, top)) for low, top in ((3, 12), (1, 3), (1, 4)))
    classes = st.integers(0, 3).map(float)
    gold, predicted = draw(hnp.arrays(float, n, elements=classes)), draw(hnp.arrays(float, (n, c), elements=classes))
    return bootstrap.draw_counts(generator(draw(st.integers(0, 99)), "counts"), k, n), gold, predicted


def test_every_figure_can_be_resampled() -> None:
    assert resampled.FIGURES.keys() == METRICS.keys() == NAMES.keys()


@pytest.mark.parametrize("name", METRICS)
@given(case=drawn())
def test_a_figure_is_that_of_the_repeated_rows(name: str, case: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    counts, gold, predicted = case
    task = Task(kind="classification", classes=4, texts=["a"], label="b", files=FILES)
    found = resampled.FIGURES[name](counts, gold, predicted, partial(task.what.members, task))  # type: ignore[index]
    for k, row in enumerate(counts.astype(int)):
        for c in range(predicted.shape[1]):
            slow = METRICS[name](np.repeat(gold, row), np.repeat(predicted[:, c], row))  # type: ignore[index]
            assert found[k, c] == pytest.approx(slow, abs=1e-9, nan_ok=True)


@given(case=drawn())
def test_a_figure_of_sets_is_that_of_the_repeated_rows(case: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    """The numbers 0 to 3 as sets of two classes."""
    counts, gold, predicted = case
    task = Task(kind="multilabel", classes=2, texts=["a"], label="b", files=FILES)
    found = resampled.FIGURES["macro_f1"](counts, gold, predicted, partial(task.what.members, task))
    for k, row in enumerate(counts.astype(int)):
        for c in range(predicted.shape[1]):
            x, y = (task.what.targets(task, np.repeat(values, row)) for values in (gold, predicted[:, c]))
            assert found[k, c] == pytest.approx(METRICS["macro_f1"](x, y), abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("name", ["pearson", "spearman"])
def test_two_rows_have_no_correlation_and_nor_has_what_varies_by_rounding_alone(name: str) -> None:
    """0.1 + 0.2 is not 0.3 to the last digit."""
    for gold, predicted in (([1.0, 2.0], [1.0, 2.0]), ([1.0, 2.0, 3.0], [0.3, 0.3, 0.3])):
        n = len(gold)
        found = resampled.FIGURES[name](np.ones((1, n)), np.array(gold), np.array(predicted)[:, None], lambda x: x)  # type: ignore[index]
        assert np.isnan(found).all()


def test_ties_share_the_middle_of_their_ranks() -> None:
    """Values 5 5 9 drawn once, twice and once: ranks 1, 2 and 3 are one tie, 4 the other."""
    assert resampled.ranks(np.array([[1.0, 2, 1]]), np.array([5.0, 5, 9])).tolist() == [[1.5, 1.5, 3.5]]
