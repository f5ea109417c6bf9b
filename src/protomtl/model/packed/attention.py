"""Self-attention over packed sequences, forward and backward: softmax(q kᵀ) v with dropout on the softmax."""

from typing import NamedTuple

import torch
from torch import Tensor

from protomtl.model.packed.dropout import Dropout
from protomtl.model.packed.groups import Group
from protomtl.model.packed.memory import Arena

HALVES = 32  # columns of bf16 in a vector


class Attended(NamedTuple):
    """What the backward pass needs of one group: [3, sequences · heads, longest, d] and twice the weights
    [sequences · heads, longest, longest], before and after dropout."""

    query_key_value: Tensor
    weights: Tensor
    dropped: Tensor


def attend(
    packed: Tensor, groups: list[Group], heads: int, dropout: Dropout | None, arena: Arena, context: Tensor
) -> list[Attended]:
    """Write the context [tokens, width] of each token. packed: [tokens, 3 · width] queries, keys and values.

    The queries are scaled already, and so are the values for the dropout (bert.fused).
    """
    d = packed.shape[1] // 3 // heads
    return [
        attend_group(packed[group.rows].view(-1, d), group, heads, dropout, arena, context[group.rows].view(-1, d))
        for group in groups
    ]


def attend_group(
    pieces: Tensor, group: Group, heads: int, dropout: Dropout | None, arena: Arena, context: Tensor
) -> Attended:
    n, longest, d, dtype = group.sequences, group.longest, pieces.shape[1], pieces.dtype
    parts = arena(3, n * heads, longest, d, dtype=dtype)
    torch.index_select(pieces, 0, group.to_query_key_value, out=parts.view(-1, d))
    query, key, value = parts
    scores = torch.bmm(query, key.transpose(1, 2)).view(n, heads, longest, longest)
    if group.padding is not None:
        scores += group.padding.to(dtype)  # 0 and -inf are exact
    weights = arena(n * heads, longest, longest, dtype=dtype)
    softmax(scores, weights.view(scores.shape))
    dropped = weights if dropout is None else dropout.keep(arena, *weights.shape, dtype=dtype).mul_(weights)
    torch.index_select(torch.bmm(dropped, value).view(-1, d), 0, group.from_rectangle, out=context)
    return Attended(parts, weights, dropped)


def softmax(scores: Tensor, weights: Tensor) -> None:
    """Of the last dimension, computed in float32 and rounded to the precision of `weights`.

    torch does so by itself in one pass, but in bf16 it is vectorised over 32 columns only.
    """
    if scores.dtype == torch.float32 or scores.shape[-1] >= HALVES:
        torch.softmax(scores, -1, out=weights)
    else:
        weights.copy_(torch.softmax(scores.float(), -1))


def attend_backward(
    grad: Tensor, context: Tensor, groups: list[Group], heads: int, attended: list[Attended], arena: Arena
) -> Tensor:
    """The gradient [tokens, 3 · width] of `packed` from that of the context [tokens, width]."""
    tokens, width = grad.shape
    d = width // heads
    result = arena(tokens, 3 * width, dtype=grad.dtype)
    # Σ_j P_ij dP_ij of the softmax's gradient, P the dropped weights, is Σ_d O_id dO_id: no sum over columns.
    inner = (grad * context).view(tokens, heads, d).sum(-1)
    for group, (parts, weights, dropped) in zip(groups, attended, strict=True):
        query, key, value = parts
        shape = (group.sequences, heads, group.longest, -1)
        g = grad[group.rows].view(-1, d).index_select(0, group.to_rectangle).view(shape)
        r = inner[group.rows].view(-1, 1).index_select(0, group.to_rectangle).view(shape)
        if group.padding is not None:  # rows that are no token have no gradient
            gone = group.padding.transpose(2, 3) != 0
            g.masked_fill_(gone, 0)
            r.masked_fill_(gone, 0)
        g, r = g.flatten(0, 1), r.flatten(0, 1)
        found = torch.empty_like(parts)
        torch.bmm(dropped.transpose(1, 2), g, out=found[2])
        scores = torch.bmm(g, value.transpose(1, 2)).mul_(dropped).addcmul_(weights, r, value=-1)
        torch.bmm(scores, key, out=found[0])
        torch.bmm(scores.transpose(1, 2), query, out=found[1])
        torch.index_select(found.view(-1, d), 0, group.from_query_key_value, out=result[group.rows].view(-1, d))
    return result
