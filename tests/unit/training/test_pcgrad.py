"""Gradient surgery against gradients made by hand and against algorithm 1 of Yu et al. 2020, vector by vector."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from protomtl.training import pcgrad


def surgery_of(*gradients: list[float]) -> list[float]:
    """The gradient of a shared weight, from the wanted gradient of each task."""
    weight = torch.zeros(len(gradients[0]), requires_grad=True)
    pcgrad.backward([weight @ torch.tensor(g) for g in gradients], [weight], pcgrad.coefficients)
    assert weight.grad is not None
    return [round(value, 5) for value in weight.grad.tolist()]


def test_gradients_that_agree_are_added_up() -> None:
    assert surgery_of([1.0, 0.0], [1.0, 2.0]) == [2.0, 2.0]


def test_gradients_that_conflict_are_projected() -> None:
    # (1, 0) loses its part along (-1, 1): it becomes (1/2, 1/2). (-1, 1) loses its part along (1, 0): (0, 1).
    assert surgery_of([1.0, 0.0], [-1.0, 1.0]) == [0.5, 1.5]


def test_opposite_gradients_cancel() -> None:
    assert surgery_of([1.0, 2.0], [-1.0, -2.0]) == [0.0, 0.0]


def test_a_head_keeps_its_gradient_and_does_not_count() -> None:
    shared, head, idle = (torch.zeros(2, requires_grad=True) for _ in range(3))
    first = shared @ torch.tensor([1.0, 0.0]) + head @ torch.tensor([9.0, 9.0])
    pcgrad.backward([first, shared @ torch.tensor([-1.0, 1.0])], [shared, head, idle], pcgrad.coefficients)
    assert shared.grad is not None and head.grad is not None
    assert shared.grad.tolist() == pytest.approx([0.5, 1.5]) and head.grad.tolist() == [9.0, 9.0] and idle.grad is None


def algorithm_1(gradients: list[Tensor]) -> Tensor:
    after = [g.clone() for g in gradients]
    for i, g in enumerate(after):
        for j in torch.randperm(len(gradients)).tolist():
            if j != i and g @ gradients[j] < 0:
                g -= (g @ gradients[j]) / (gradients[j] @ gradients[j]) * gradients[j]
    return torch.stack(after).sum(0)


@given(st.integers(1, 5), st.integers(0, 2**31))
def test_equals_the_algorithm_of_the_paper(tasks: int, seed: int) -> None:
    torch.manual_seed(seed)
    gradients = torch.randn(tasks, 3, dtype=torch.float64)
    torch.manual_seed(seed)
    slow = algorithm_1(list(gradients))
    torch.manual_seed(seed)
    ours = pcgrad.coefficients(gradients @ gradients.t()) @ gradients
    torch.testing.assert_close(ours, slow)


def test_the_order_is_random() -> None:
    torch.manual_seed(1)
    gradients = torch.tensor([[1.0, 0.0], [-1.0, 0.4], [-0.3, -1.0]], dtype=torch.float64)
    found = {tuple(pcgrad.coefficients(gradients @ gradients.t()).tolist()) for _ in range(40)}
    assert len(found) > 1
