"""Encoding a step a part at a time, so that the activations of one part only are held.

Gradient caching (Gao et al. 2021, RepL4NLP): embed all parts without a graph, compute the losses of the whole step,
then encode each part again with a graph and send its share of the gradient through. Unlike gradients that are added up
over small batches this is exact for every loss, also where prototypes are means over the whole step.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

Encode = Callable[[Tensor | None], Tensor]  # the noise on the embeddings of the words, or None -> vectors


def recomputed(encode: Encode, noise: Tensor | None, parameters: Sequence[Tensor]) -> Tensor:
    """What `encode(noise)` gives, with its gradients and its draws, but without its activations in memory.

    parameters: all that `encode` uses and that is trained.
    """
    found: Tensor = Recomputed.apply(encode, noise, *parameters)  # type: ignore[no-untyped-call]
    return found


class Recomputed(torch.autograd.Function):
    """`recomputed`."""

    @staticmethod
    def forward(ctx, encode, noise, *parameters):  # type: ignore[no-untyped-def]
        ctx.encode, ctx.noise, ctx.parameters = encode, noise, parameters
        ctx.devices = sorted({p.get_device() for p in parameters if p.is_cuda})
        ctx.draws = torch.get_rng_state(), [torch.cuda.get_rng_state(device) for device in ctx.devices]
        with torch.enable_grad():  # the engines take another way without a graph; this one goes at once
            return encode(None if noise is None else noise.detach()).detach()

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):  # type: ignore[no-untyped-def]
        moved = None if ctx.noise is None else ctx.noise.detach().requires_grad_(ctx.needs_input_grad[1])
        wanted = [x for x, needed in zip((moved, *ctx.parameters), ctx.needs_input_grad[1:], strict=True) if needed]
        with same_draws(ctx.devices, *ctx.draws), torch.enable_grad():
            found = iter(torch.autograd.grad(ctx.encode(moved), wanted, gradient, allow_unused=True))
        return None, *(next(found) if needed else None for needed in ctx.needs_input_grad[1:])


@contextmanager
def same_draws(devices: list[int], cpu: Tensor, gpus: list[Tensor]) -> Iterator[None]:
    """Inside, torch draws what it drew from these states; after it, all go on as if it had not been."""
    with torch.random.fork_rng(devices):
        torch.set_rng_state(cpu)
        for device, state in zip(devices, gpus, strict=True):
            torch.cuda.set_rng_state(state, device)
        yield
