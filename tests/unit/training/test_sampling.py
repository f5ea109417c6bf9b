"""Sampling as in §5.3: one batch of each task per step; an epoch ends with the longest or the shortest task."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protomtl.params import load
from protomtl.seeds import some_rows
from protomtl.training import sampling
from protomtl.training.settings import Finetune
from tests.support import ROOT

BASE = load(ROOT / "params.yaml").finetune
SIZES = {"small": 10, "middle": 33, "large": 100}


def settings(**changes: object) -> Finetune:
    return BASE.model_copy(update={"batch_size": 8, "steps_per_epoch": 0, **changes})


@pytest.mark.parametrize(
    ("mode", "budget", "steps"),
    [
        *[("longest", 0, 13), ("zip", 0, 2), ("longest", 5, 5), ("zip", 5, 2), ("zip", 1, 1), ("sqrt", 0, 6)],
        *[("episodes", 0, 13), ("episodes", 5, 5), ("sqrt", 5, 5)],
    ],
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


def drawn(mode: str, epochs: int = 3, steps: int = 7) -> list[dict[str, np.ndarray]]:
    chosen = settings(sampling=mode, epochs=epochs)
    return [sampling.draw(SIZES, chosen, 1, epoch, step, steps) for epoch in range(epochs) for step in range(steps)]


@pytest.mark.parametrize("mode", ["longest", "zip"])
def test_longest_and_zip_draw_one_batch_of_each_task(mode: str) -> None:
    assert [[len(rows) for rows in step.values()] for step in drawn(mode, 2, 1)] == [
        [8, 8, 8],
        [8 if mode == "zip" else 2, 8, 8],
    ]


@pytest.mark.parametrize(("mode", "power"), [("proportional", 1.0), ("sqrt", 0.5)])
def test_tasks_have_their_share_of_the_rows(mode: str, power: float) -> None:
    counts = {task: sum(len(step[task]) for step in drawn(mode)) for task in SIZES}
    whole = sum(size**power for size in SIZES.values())
    for task, size in SIZES.items():
        assert counts[task] == pytest.approx(21 * 24 * size**power / whole, abs=3)
    assert all(len(rows) > 0 for step in drawn(mode) for rows in step.values())


def test_annealed_goes_from_proportional_towards_equal() -> None:
    chosen = settings(sampling="annealed", epochs=5)
    first, last = (sampling.shares(SIZES, chosen, epoch) for epoch in (0, 4))
    assert first == pytest.approx(sampling.shares(SIZES, settings(sampling="proportional"), 0))
    power = np.array(list(SIZES.values())) ** 0.2  # 1 - 0.8, as in the paper's last epoch
    assert last == pytest.approx(24 * power / power.sum())


def test_the_smallest_task_has_a_row_of_each_step() -> None:
    """In proportion it would have 16 · 1 / 1,001."""
    found = sampling.shares({"one": 1, "many": 1000}, settings(sampling="proportional"), 0)
    assert found == pytest.approx([1, 16 * 1000 / 1001])
    assert sampling.shares(SIZES, settings(sampling="annealed", epochs=1), 0)[0] == pytest.approx(24 * 10 / 143)


@pytest.mark.parametrize("mode", ["proportional", "sqrt", "annealed"])
def test_with_shares_too_each_pass_visits_every_row_once(mode: str) -> None:
    for task, size in SIZES.items():
        rows = np.concatenate([step[task] for step in drawn(mode)])
        for start in range(0, len(rows) - size + 1, size):
            assert sorted(rows[start : start + size].tolist()) == list(range(size))


@pytest.mark.parametrize("mode", ["longest", "proportional"])
def test_the_order_of_a_pass_is_drawn_once_however_many_tasks(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[tuple[str | int, ...]] = []
    monkeypatch.setattr(sampling, "_orders", {})
    real = sampling.generator
    monkeypatch.setattr(sampling, "generator", lambda *purpose: drawn.append(purpose) or real(*purpose))
    sizes = {f"task{i}": 1000 + i for i in range(100)}
    for step in range(10):
        sampling.draw(sizes, settings(sampling=mode), 3, 0, step, 100)
    assert len(drawn) == len(set(drawn)) == 100


def test_a_stretch_may_reach_over_several_passes() -> None:
    passes = np.concatenate([sampling.order(1, "t", passed, 5) for passed in range(5)])
    assert sampling.stretch(1, "t", 5, 3, 22).tolist() == passes[3:22].tolist()


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 2**40))
def test_some_rows_are_distinct_in_order_and_as_many_as_there_are(rows: int, most: int, seed: int) -> None:
    drawn = some_rows(rows, most, seed, "purpose")
    assert len(drawn) == min(rows, most)
    assert (np.diff(drawn) > 0).all() and drawn[0] >= 0 and drawn[-1] < rows


def test_some_rows_are_others_for_another_seed_or_purpose() -> None:
    draws = [some_rows(1000, 10, seed, purpose).tolist() for seed, purpose in ((1, "a"), (2, "a"), (1, "b"))]
    assert draws[0] == some_rows(1000, 10, 1, "a").tolist()
    assert draws[0] != draws[1] and draws[0] != draws[2]


@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=60), st.integers(1, 40), st.integers(0, 2**40), st.integers(0, 99)
)
def test_an_episode_has_as_many_rows_of_each_class(classes: list[int], batch: int, seed: int, number: int) -> None:
    known = np.array(classes)
    counts = np.bincount(known)
    if counts.max() < 2:
        with pytest.raises(SystemExit, match=r"tasks\.t: no class has two training rows"):
            sampling.episode(seed, "t", known, batch, number)
        return
    rows = sampling.episode(seed, "t", known, batch, number)
    assert len(set(rows.tolist())) == len(rows)
    found = {k: int((known[rows] == k).sum()) for k in set(known[rows].tolist())}
    ways = min((counts > 1).sum(), max(1, batch // 2))
    each = max(2, batch // ways // 2 * 2)
    assert len(found) == ways and all(n == min(each, counts[k] // 2 * 2) for k, n in found.items())
    assert rows.tolist() == sampling.episode(seed, "t", known, batch, number).tolist()


def test_queries_of_an_episode_are_as_many_of_each_class() -> None:
    """With `prototypes: episode`: one half of each class is support, the other half queries."""
    import torch

    from protomtl.model.prototypes import episode_logits

    classes, chosen = np.repeat([0, 1, 2], [50, 9, 6]), settings(sampling="episodes", batch_size=32)
    drawn, other, again = (
        sampling.draw({"t": 65}, chosen, 1, epoch, step, 13, {"t": classes})["t"]
        for epoch, step in ((2, 3), (1, 3), (2, 4))
    )
    assert drawn.tolist() != other.tolist() and drawn.tolist() != again.tolist()  # each epoch and step draws its own
    assert np.bincount(classes[drawn]).tolist() == [10, 8, 6]  # ten each, where there are as many
    _, targets = episode_logits(torch.randn(24, 4), torch.from_numpy(classes[drawn]), "squared_euclidean")
    assert torch.bincount(targets).tolist() == [5, 4, 3]
