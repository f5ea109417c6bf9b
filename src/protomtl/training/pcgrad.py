"""Gradient surgery: tasks whose gradients conflict give way to each other (PCGrad, Yu et al. 2020, algorithm 1)."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from protomtl.model import distributed


def backward(losses: Sequence[Tensor], parameters: Sequence[Tensor], combine: Callable[[Tensor], Tensor]) -> None:
    """Set the gradients of `parameters`: the sum over the tasks, by their shares where tasks share a parameter.

    combine: the share of each task's gradient, from their inner products: `coefficients`, or another way.
    A parameter that one task alone uses, as its head's, has that task's gradient: there is nothing to conflict with.
    """
    by_task = [torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True) for loss in losses]
    for gradients in by_task:
        distributed.average([g for g in gradients if g is not None])
    by_parameter = list(zip(*by_task, strict=True))
    shared = [sum(g is not None for g in gradients) > 1 for gradients in by_parameter]
    products = [inner_products(gradients) for gradients, several in zip(by_parameter, shared, strict=True) if several]
    share = combine(torch.stack(products).sum(0).cpu()) if products else torch.ones(len(losses))
    for parameter, gradients, several in zip(parameters, by_parameter, shared, strict=True):
        known = [g * c if several else g for g, c in zip(gradients, share.tolist(), strict=True) if g is not None]
        parameter.grad = torch.stack(known).sum(0) if known else None


def inner_products(gradients: Sequence[Tensor | None]) -> Tensor:
    """[tasks, tasks] of one parameter's gradients; None is a task that does not use it."""
    like = next(g for g in gradients if g is not None)
    flat = torch.stack([torch.zeros_like(like) if g is None else g for g in gradients]).flatten(1)
    return (flat @ flat.t()).double()


def coefficients(products: Tensor) -> Tensor:
    """[tasks] how much of each task's gradient is in the sum after surgery.

    products: [tasks, tasks] their inner products, which is all that the projections need: each task's gradient is
    projected, one after the other in random order, onto the normal plane of every gradient that it conflicts with.
    The order is drawn from torch's generator, which the training loop seeds for each step.
    """
    tasks = len(products)
    mixture = torch.eye(tasks, dtype=products.dtype)  # row i: task i's gradient after surgery
    for i in range(tasks):
        for j in torch.randperm(tasks).tolist():
            inner = mixture[i] @ products[:, j]
            if j != i and inner < 0:
                mixture[i, j] -= inner / products[j, j]
    return mixture.sum(0)
