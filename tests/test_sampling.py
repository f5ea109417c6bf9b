"""Sampling as in §5.3: one batch of each task per step; an epoch ends with the longest or the shortest task."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protomtl import sampling
from protomtl.config import Finetune, load
from protomtl.random import some_rows

from .conftest import ROOT

BASE = load(ROOT / "params.yaml").finetune
SIZES = {"small": 10, "middle": 33, "large": 100}


def settings(**changes: object) -> Finetune:
    return BASE.model_copy(update={"batch_size": 8, "steps_per_epoch": 0, **changes})


@pytest.mark.parametrize(
    ("mode", "budget", "steps"), [("longest", 0, 13), ("zip", 0, 2), ("longest", 5, 5), ("zip", 5, 2), ("zip", 1, 1)]
)
def test_steps_of_an_epoch(mode: str, budget: int, steps: int) -> None:
    assert sampling.steps_per_epoch(SIZES, settings(sampling=mode, steps_per_epoch=budget)) == steps


@given(st.integers(1, 60), st.integers(1, 9), st.integers(0, 2**40))
def test_each_pass_visits_every_row_once(size: int, batch: int, seed: int) -> None:
    chosen = settings(batch_size=batch)
    batches = sampling.number_of_batches(size, batch)
    for passed in range(2):
        first = passed * batches
        drawn = [sampling.rows("t", size, chosen, seed, 0, first + i, 10**6) for i in range(batches)]
        assert sorted(np.concatenate(drawn).tolist()) == list(range(size))
        assert all(len(d) == batch for d in drawn[:-1])


def test_longest_goes_on_across_epochs_until_a_task_is_exhausted() -> None:
    chosen = settings(steps_per_epoch=3)
    seen = [sampling.rows("t", 40, chosen, 1, epoch, step, 3) for epoch in range(2) for step in range(3)]
    assert len(set(np.concatenate(seen[:5]).tolist())) == 40  # five batches of eight: one pass over both epochs


def test_zip_shuffles_anew_each_epoch() -> None:
    chosen = settings(sampling="zip")
    first, second = (sampling.rows("t", 40, chosen, 1, epoch, 0, 2) for epoch in (0, 1))
    assert first.tolist() != second.tolist()


def test_draws_depend_on_seed_and_task_and_on_nothing_else() -> None:
    draw = lambda task, seed: sampling.rows(task, 100, settings(), seed, 0, 0, 13).tolist()  # noqa: E731
    np.random.seed(0)
    assert draw("a", 1) == draw("a", 1)
    assert draw("a", 1) != draw("a", 2)
    assert draw("a", 1) != draw("b", 1)


def test_every_row_is_equally_likely() -> None:
    first = np.concatenate([sampling.rows("t", 20, settings(batch_size=5), seed, 0, 0, 4) for seed in range(2000)])
    counts = np.bincount(first, minlength=20)
    assert abs(counts - 500).max() < 5 * np.sqrt(500 * 0.75)


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 2**40))
def test_some_rows_are_distinct_in_order_and_as_many_as_there_are(rows: int, most: int, seed: int) -> None:
    drawn = some_rows(rows, most, seed, "purpose")
    assert len(drawn) == min(rows, most)
    assert (np.diff(drawn) > 0).all() and drawn[0] >= 0 and drawn[-1] < rows


def test_some_rows_are_others_for_another_seed_or_purpose() -> None:
    draws = [some_rows(1000, 10, seed, purpose).tolist() for seed, purpose in ((1, "a"), (2, "a"), (1, "b"))]
    assert draws[0] == some_rows(1000, 10, 1, "a").tolist()
    assert draws[0] != draws[1] and draws[0] != draws[2]
