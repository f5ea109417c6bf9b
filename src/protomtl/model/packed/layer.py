"""One layer of BERT on packed tokens: forward, and the backward pass by hand, in few passes over memory."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from protomtl.model.packed.attention import attend, attend_backward
from protomtl.model.packed.dropout import Dropout
from protomtl.model.packed.groups import Group
from protomtl.model.packed.memory import Arena
from protomtl.model.packed.products import ROWS, linear

aten = torch.ops.aten


class Step(NamedTuple):
    """What all layers of one forward pass share."""

    groups: list[Group]
    heads: int
    hidden_dropout: Dropout | None
    attention_dropout: Dropout | None
    arena: Arena

    def blocks(self, tokens: int) -> Iterator[slice]:
        return (slice(start, min(start + ROWS, tokens)) for start in range(0, tokens, ROWS))

    def mask(self, like: Tensor, dtype: torch.dtype) -> Tensor | None:
        if self.hidden_dropout is None:
            return None
        return self.hidden_dropout.keep(self.arena, *like.shape, dtype=dtype)


class Layer(torch.autograd.Function):
    """One transformer layer: attention, dropout, sum, norm; up, gelu, down, dropout, sum, norm.

    The sums and norms are float32, products and what they read have the precision of the weights.
    """

    @staticmethod
    def forward(ctx, x, wq, bq, wo, bo, w1, b1, wu, bu, wd, bd, w2, b2, eps, step):  # type: ignore[no-untyped-def]
        size, width = x.shape
        dtype, arena = wq.dtype, step.arena
        x_low, context, middle_low = (arena(size, width, dtype=dtype) for _ in range(3))
        sum_1, sum_2, result = (arena(size, width, dtype=torch.float32) for _ in range(3))
        x_low.copy_(x)
        attended = attend(linear(wq, bq, size)(x_low), step.groups, step.heads, step.attention_dropout, arena, context)
        out, up, down = (linear(*part, size) for part in ((wo, bo), (wu, bu), (wd, bd)))
        saved = []
        for rows in step.blocks(size):
            mask_1 = add(x[rows], out(context[rows]), step, sum_1[rows])
            middle, mean_1, rstd_1 = torch.native_layer_norm(sum_1[rows], (width,), w1, b1, eps)
            middle_low[rows] = middle
            raised = up(middle_low[rows])
            mask_2 = add(middle, down(functional.gelu(raised)), step, sum_2[rows])
            last, mean_2, rstd_2 = torch.native_layer_norm(sum_2[rows], (width,), w2, b2, eps)
            result[rows] = last
            saved.append((raised, mask_1, mean_1, rstd_1, mask_2, mean_2, rstd_2))
        ctx.saved = (x_low, context, middle_low, sum_1, sum_2, attended, saved, step)
        ctx.weights = (wq, wo, w1, b1, wu, wd, w2, b2)
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):  # type: ignore[no-untyped-def]
        x_low, context, middle_low, sum_1, sum_2, attended, saved, step = ctx.saved
        wq, wo, w1, b1, wu, wd, w2, b2 = ctx.weights
        size, width = grad.shape
        passing = Arena()
        result = step.arena(size, width, dtype=grad.dtype)
        g_down, g_out = (passing(size, width, dtype=wq.dtype) for _ in range(2))
        g_raised, active = (passing(size, len(wu), dtype=wq.dtype) for _ in range(2))
        before_down, before_up, before_out, before_qkv = (linear(w.t(), None, size) for w in (wd, wu, wo, wq))
        norm_1, norm_2 = ([torch.zeros(width), torch.zeros(width)] for _ in range(2))
        for rows, (raised, mask_1, mean_1, rstd_1, mask_2, mean_2, rstd_2) in zip(
            step.blocks(size), saved, strict=True
        ):
            g = norm_backward(grad[rows], sum_2[rows], mean_2, rstd_2, w2, b2, norm_2)
            masked(g, mask_2, g_down[rows])
            aten.gelu_backward(before_down(g_down[rows]), raised, grad_input=g_raised[rows])
            aten.gelu(raised, out=active[rows])
            g += before_up(g_raised[rows])
            result[rows] = norm_backward(g, sum_1[rows], mean_1, rstd_1, w1, b1, norm_1)
            masked(result[rows], mask_1, g_out[rows])
        g_qkv = attend_backward(before_out(g_out), context, step.groups, step.heads, attended, passing)
        for rows in step.blocks(size):
            result[rows] += before_qkv(g_qkv[rows])
        pairs = ((g_qkv, x_low), (g_out, context), (g_raised, middle_low), (g_down, active))
        qkv, out, up, down = ((torch.mm(g.t(), x), g.sum(0)) for g, x in pairs)  # weight and bias of each
        return (result, *qkv, *out, *norm_1, *up, *down, *norm_2, None, None)


def add(residual: Tensor, output: Tensor, step: Step, total: Tensor) -> Tensor | None:
    """total = residual + dropout(output), whose scale is in the weights; returns the mask."""
    mask = step.mask(output, output.dtype)
    total.copy_(output if mask is None else output.mul_(mask)).add_(residual)  # faster than to add two precisions
    return mask


def masked(grad: Tensor, mask: Tensor | None, out: Tensor) -> None:
    """The gradient before the dropout, in the precision of `out`."""
    out.copy_(grad)
    if mask is not None:
        out.mul_(mask)


def norm_backward(
    grad: Tensor, x: Tensor, mean: Tensor, rstd: Tensor, weight: Tensor, bias: Tensor, parameters: list[Tensor]
) -> Tensor:
    """The gradient of a norm's input; those of weight and bias are added to `parameters`."""
    inner: Tensor
    inner, *found = aten.native_layer_norm_backward(grad, x, (x.shape[1],), mean, rstd, weight, bias, [True] * 3)
    for total, part in zip(parameters, found, strict=True):
        total += part
    return inner
