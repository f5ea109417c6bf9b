"""The loss of prototypical pre-training as a module: prototypes that outlive a batch."""

import math

import pytest
import torch

from protomtl import params
from protomtl.pretraining.prototypical import PrototypicalLoss
from tests.support import ROOT


def test_epoch_prototypes_are_means_over_the_epoch_so_far() -> None:
    settings = params.load(ROOT / "params.yaml").pretrain.model_copy(update={"prototypes": "epoch"})
    space = PrototypicalLoss(settings, classes=3, width=1, steps=2)
    first, second = torch.tensor([[0.0], [8.0]]), torch.tensor([[2.0], [6.0]])
    labels = torch.tensor([0, 2])
    assert space(first, labels).item() == pytest.approx(math.log(1 + math.exp(-8)), abs=1e-6)
    # Means now 1 and 7 (class 1 was never seen): 2 is 1 and 5 away, 6 is 5 and 1 away.
    second.requires_grad_()
    loss = space(second, labels)
    assert loss.item() == pytest.approx(math.log(1 + math.exp(-4)), abs=1e-6)
    loss.backward()
    assert second.grad is not None and second.grad.abs().sum() > 0
    assert space(first, labels).item() == pytest.approx(math.log(1 + math.exp(-8)), abs=1e-6)  # begun anew
