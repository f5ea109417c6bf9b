"""Scores that belong to both their neighbours: by hand, and one row after the other in numpy."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from protomtl import params
from protomtl.model import prototypes
from protomtl.training import ordinal
from tests.support import ROOT

TASKS = params.load(ROOT / "params.yaml").tasks
STS, SST = TASKS["sts"], TASKS["sst"]


def test_shares_worked_by_hand() -> None:
    found = ordinal.shares(STS, torch.tensor([0.0, 2.25, 5.0]))
    assert found.tolist() == [[1, 0, 0, 0, 0, 0], [0, 0, 0.75, 0.25, 0, 0], [0, 0, 0, 0, 0, 1]]
    assert ordinal.shares(SST, torch.tensor([3.0])).tolist() == [[0, 0, 0, 1, 0]]


@given(st.lists(st.floats(-3.5, 4.25, width=32), min_size=1, max_size=9))
def test_the_mean_of_the_shared_classes_is_the_score(scores: list[float]) -> None:
    """Of a range whose ends are no classes, scores beyond the last classes belong to these."""
    task = STS.model_copy(update={"range": (-3.5, 4.25)})  # classes -4 … 4
    found = ordinal.shares(task, torch.tensor(scores))
    assert found.shape == (len(scores), 9) and torch.allclose(found.sum(1), torch.ones(len(scores)))
    assert ((found > 0).sum(1) <= 2).all()
    values = found @ torch.arange(-4.0, 5.0)
    assert values.numpy() == pytest.approx(np.clip(scores, -4, 4), abs=1e-5)


def test_whole_scores_have_the_logits_of_rounded_ones() -> None:
    x, y = torch.randn(12, 4, dtype=torch.float64), torch.arange(12) % 4 + 1
    whole = ordinal.shares(STS, y.double()).double()
    for kind in ordinal.LOGITS:
        logits, targets = ordinal.LOGITS[kind](x, whole, "euclidean")
        expected, place = prototypes.LOGITS[kind](x, y, "euclidean")
        torch.testing.assert_close(logits, expected)
        assert torch.equal(targets.argmax(1), place)


def test_leaving_a_row_out_of_both_its_classes_worked_by_hand() -> None:
    """Rows 0, 4 and 10 on a line, with scores 0, 0.5 and 1."""
    shares = ordinal.shares(STS, torch.tensor([0.0, 0.5, 1.0]))
    x = torch.tensor([[0.0], [4.0], [10.0]])
    logits, targets = ordinal.leave_one_out_logits(x, shares, "euclidean")
    # For row 0 class 0 is the half of row 1, at 4; class 1 is (0.5 · 4 + 10) / 1.5 = 8. For row 1: 0 and 10.
    # For row 2: class 0 is 0.5 · 4 / 1.5 = 4/3, class 1 the half of row 1, at 4.
    assert logits.flatten().tolist() == pytest.approx([-4, -8, -4, -6, -(10 - 4 / 3), -6], abs=1e-5)
    assert targets.tolist() == [[1, 0], [0.5, 0.5], [0, 1]]


@given(st.integers(2, 25), st.integers(0, 2**31), st.sampled_from(prototypes.DISTANCES), st.booleans())
def test_logits_equal_a_search_row_by_row(rows: int, seed: int, distance: str, alone: bool) -> None:
    random = np.random.default_rng(seed)
    x, scores = random.normal(size=(rows, 3)), random.integers(0, 11, rows) / 2
    y = np.array([[max(0.0, 1 - abs(s - k)) for k in range(6)] for s in scores])
    kind = "leave_one_out" if alone else "batch"
    expected, kept = [], []
    for i in range(rows):
        others = np.arange(rows) != i
        line = []
        for k in np.flatnonzero(y.sum(0)):
            weights = y[:, k] * (others | (not alone) | (y[i, k] == 0))
            if weights.sum() < 1e-9:
                break
            line.append(similarity(x[i], (weights[:, None] * x).sum(0) / weights.sum(), distance))
        else:
            expected.append(line)
            kept.append(i)
    logits, targets = ordinal.LOGITS[kind](torch.tensor(x), torch.tensor(y), distance)
    assert len(logits) == len(kept)
    if kept:
        assert logits.numpy() == pytest.approx(np.array(expected), abs=1e-6)
        assert targets.numpy() == pytest.approx(y[kept][:, y.sum(0) > 0])


def similarity(a: np.ndarray, b: np.ndarray, distance: str) -> float:
    if distance == "cosine":
        return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
    return -(float(np.linalg.norm(a - b)) ** (2 if distance == "squared_euclidean" else 1))


def test_the_loss_of_shared_classes_worked_by_hand() -> None:
    logits = torch.log(torch.tensor([[0.5, 0.25, 0.25]]))
    expected = -(0.75 * math.log(0.25) + 0.25 * math.log(0.25))
    assert ordinal.cross_entropy(logits, torch.tensor([[0.0, 0.75, 0.25]])).item() == pytest.approx(expected)


def test_gradients_of_leaving_out_are_those_of_finite_differences() -> None:
    x = torch.randn(6, 2, dtype=torch.float64, requires_grad=True)
    shares = ordinal.shares(STS, torch.tensor([0.0, 0.5, 1.0, 1.5, 0.25, 2.0])).double()
    for distance in ("squared_euclidean", "cosine"):
        loss = lambda v, d=distance: ordinal.cross_entropy(*ordinal.leave_one_out_logits(v, shares, d))  # noqa: E731
        assert torch.autograd.gradcheck(loss, (x,))
