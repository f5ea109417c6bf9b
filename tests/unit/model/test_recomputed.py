"""Encoding in parts: the same vectors, draws and gradients, one part's activations at a time."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from protomtl.model.recomputed import recomputed

WEIGHT = torch.randn(3, 3, generator=torch.Generator().manual_seed(1)).requires_grad_()


def encode(x: Tensor) -> Tensor:
    return functional.dropout(torch.tanh(x @ WEIGHT), 0.5)


def test_values_draws_and_gradients_are_those_of_a_plain_call() -> None:
    found = []
    for way in (encode, lambda x: recomputed(encode, x, [WEIGHT])):
        torch.manual_seed(3)
        noise = torch.ones(5, 3, requires_grad=True)
        value = way(noise)
        after = torch.rand(2)  # what is drawn next is the same, too
        found.append((value.detach(), after, *torch.autograd.grad((value**2).sum(), [noise, WEIGHT])))
    for plain, again in zip(*found, strict=True):
        assert torch.equal(plain, again)


def test_a_backward_pass_draws_nothing() -> None:
    torch.manual_seed(3)
    value = recomputed(encode, torch.ones(5, 3, requires_grad=True), [WEIGHT])
    before = torch.get_rng_state()
    value.sum().backward()
    assert torch.equal(torch.get_rng_state(), before)


def test_several_gradients_can_be_taken_of_one_pass() -> None:
    value = recomputed(lambda _: torch.ones(2, 3) @ WEIGHT, None, [WEIGHT])
    first, second = (torch.autograd.grad(value[row].sum(), WEIGHT, retain_graph=True)[0] for row in (0, 1))
    assert torch.equal(first, torch.ones(3, 3)) and torch.equal(second, torch.ones(3, 3))


def test_no_activation_is_held_between_the_passes() -> None:
    held: list[int] = []

    def counted(_: Tensor | None) -> Tensor:
        with torch.autograd.graph.saved_tensors_hooks(lambda x: held.append(x.numel()) or x, lambda x: x):
            return torch.ones(7, 3) @ WEIGHT

    value = recomputed(counted, None, [WEIGHT])
    graph = value.grad_fn
    assert graph is not None and [kind for kind, _ in graph.next_functions if kind] and len(held) >= 1
    assert not any("Mm" in type(kind).__name__ for kind, _ in graph.next_functions)  # its graph is gone


def test_what_is_not_trained_has_no_gradient() -> None:
    fixed = torch.ones(3, 3)
    value = recomputed(lambda _: torch.ones(2, 3) @ fixed @ WEIGHT, None, [WEIGHT, fixed])
    value.sum().backward()
    assert fixed.grad is None and WEIGHT.grad is not None
    with pytest.raises(RuntimeError, match="does not require grad"):
        recomputed(lambda _: torch.ones(2, 3) @ fixed, None, [fixed]).sum().backward()
    WEIGHT.grad = None
