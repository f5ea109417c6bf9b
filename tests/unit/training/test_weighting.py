"""What a task's loss weighs in the sum."""

import math

import pytest
import torch

from protomtl.params import load
from protomtl.training.weighting import Uncertainty, fixed
from tests.support import ROOT

TASKS = load(ROOT / "params.yaml").tasks


def test_fixed_weights_are_one_unless_named() -> None:
    assert [float(x) for x in fixed({"a": 0.5})({"a": torch.tensor(4.0), "b": torch.tensor(3.0)})] == [2.0, 3.0]


def test_uncertainty_worked_by_hand() -> None:
    weigh = Uncertainty(TASKS)
    with torch.no_grad():
        weigh.log_variance["sst"].fill_(math.log(4.0))  # σ = 2
        weigh.log_variance["sts"].fill_(math.log(4.0))
    sst, para, sts = weigh({"sst": torch.tensor(8.0), "para": torch.tensor(3.0), "sts": torch.tensor(8.0)})
    assert sst.item() == pytest.approx(8 / 4 + math.log(2))
    assert para.item() == 3.0
    assert sts.item() == pytest.approx(8 / (2 * 4) + math.log(2))


def test_learned_variance_settles_where_the_paper_says() -> None:
    """The term of a class task is least at σ² = 2 · loss, that of a regression at σ² = loss."""
    weigh = Uncertainty(TASKS)
    optimizer = torch.optim.Adam(weigh.parameters(), lr=0.05)
    losses = {"sst": torch.tensor(3.0), "sts": torch.tensor(3.0)}
    for _ in range(500):
        optimizer.zero_grad()
        torch.stack(weigh(losses)).sum().backward()
        optimizer.step()
    assert weigh.log_variance["sst"].exp().item() == pytest.approx(6.0, rel=1e-2)
    assert weigh.log_variance["sts"].exp().item() == pytest.approx(3.0, rel=1e-2)
