"""The exponential moving average of the weights, which is what is evaluated and kept (Polyak and Juditsky 1992)."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

Weights = dict[str, Tensor]


def begin(weights: Weights, decay: float) -> Weights:
    """An average of the weights as they are; empty without averaging (decay 0)."""
    return {name: value.detach().clone() for name, value in weights.items()} if decay else {}


@torch.no_grad()
def update(average: Weights, weights: Weights, decay: float, done: int) -> None:
    """Move the average towards the weights after step `done` (from 1).

    The decay grows up to its value, since the first weights would weigh too much in a short training.
    """
    if average:
        share = 1 - min(decay, done / (done + 9))
        torch._foreach_lerp_(list(average.values()), [weights[name].detach() for name in average], share)


@contextmanager
def averaged_weights(average: Weights, weights: Weights) -> Iterator[None]:
    """The average in the place of the weights, for evaluating and saving it."""
    _swap(average, weights)
    try:
        yield
    finally:
        _swap(average, weights)


@torch.no_grad()
def _swap(average: Weights, weights: Weights) -> None:
    for name, value in average.items():
        kept = value.clone()
        value.copy_(weights[name])
        weights[name].copy_(kept)
