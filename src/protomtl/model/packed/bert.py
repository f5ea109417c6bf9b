"""BERT on packed sequences: what transformers' BertModel computes, without a padded token and with few passes.

transformers keeps the weights, the configuration and the files. Here are only the forward and backward pass,
for a CPU, faster than transformers' own (docs/results/speed.md). A GPU has no use for it.
"""

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from protomtl.model.packed.attention import attend
from protomtl.model.packed.dropout import Dropout
from protomtl.model.packed.groups import groups
from protomtl.model.packed.layer import Layer, Step, norm_backward
from protomtl.model.packed.memory import Arena
from protomtl.model.packed.products import Linear, linear
from protomtl.model.sequences import ragged


def supports(config: Any) -> bool:
    """Whether `encode` computes what a model of this configuration does: BERT with the exact gelu, and with a type for
    each of two texts."""
    plain = config.model_type == "bert" and config.hidden_act == "gelu" and config.type_vocab_size > 1
    return plain and not getattr(config, "is_decoder", False)


class Fused(NamedTuple):
    """A layer's weights in the precision of its products, queries, keys and values as one."""

    qkv: tuple[Tensor, Tensor]  # weight [3 · width, width] and bias
    out: tuple[Tensor, Tensor]
    norm_1: nn.LayerNorm
    up: tuple[Tensor, Tensor]
    down: tuple[Tensor, Tensor]
    norm_2: nn.LayerNorm

    def tensors(self) -> list[Tensor]:
        """All of them, in the order of Layer.forward."""
        norms = [(norm.weight, norm.bias) for norm in (self.norm_1, self.norm_2)]
        return [*self.qkv, *self.out, *norms[0], *self.up, *self.down, *norms[1]]


def fused(layer: Any, heads: int, dtype: torch.dtype, attention: float = 1.0, hidden: float = 1.0) -> Fused:
    """The weights of one layer of transformers' BertModel.

    attention, hidden: what dropout multiplies by what it keeps; it is multiplied into the weights before it, as is
    the 1 / √d of the scores.
    """
    inner, after, down = layer.attention.self, layer.attention.output, layer.output
    scales = ((inner.query, (inner.query.out_features // heads) ** -0.5), (inner.key, 1.0), (inner.value, attention))
    weights, biases = zip(*(cast(linear, dtype, scale) for linear, scale in scales), strict=True)
    return Fused(
        (torch.cat(weights), torch.cat(biases)),
        cast(after.dense, dtype, hidden),
        after.LayerNorm,
        cast(layer.intermediate.dense, dtype, 1.0),
        cast(down.dense, dtype, hidden),
        down.LayerNorm,
    )


class Maps(NamedTuple):
    """A layer's linear maps and norms, of rows of tokens."""

    qkv: Linear
    out: Linear
    norm_1: Linear
    up: Linear
    down: Linear
    norm_2: Linear


def maps(layer: Any, heads: int, dtype: torch.dtype, tokens: int) -> Maps:
    """Those of one layer of transformers' BertModel, for passes of so many tokens in all, without a graph."""
    return Maps(*(linear(*part, tokens) if isinstance(part, tuple) else part for part in fused(layer, heads, dtype)))


def cast(module: nn.Linear, dtype: torch.dtype, scale: float) -> tuple[Tensor, Tensor]:
    weight, bias = (module.weight, module.bias) if scale == 1 else (module.weight * scale, module.bias * scale)
    return weight.to(dtype), bias.to(dtype)


def encode(
    model: Any,
    tokens: Tensor,
    types: Tensor,
    lengths: np.ndarray,
    dtype: torch.dtype,
    training: bool,
    noise: Tensor | None = None,
) -> tuple[Tensor, Arena]:
    """The last hidden states [tokens, width] float32 of sequences that lie end to end, sorted by length.

    tokens, types: [tokens]; lengths: [sequences]; noise: [tokens, width], added to the embeddings of the words.
    The states are gone when the arena is: pool them first.
    """
    config, embeddings = model.config, model.embeddings
    hidden, attention = (
        Dropout(p) if training and p else None
        for p in (config.hidden_dropout_prob, config.attention_probs_dropout_prob)
    )
    heads = config.num_attention_heads
    step = Step(groups(lengths, heads), heads, hidden, attention, Arena())
    tables = (embeddings.word_embeddings, embeddings.position_embeddings, embeddings.token_type_embeddings)
    norm, places = embeddings.LayerNorm, (tokens, positions(lengths), types)
    state: Tensor = Embeddings.apply(  # type: ignore[no-untyped-call]
        *(table.weight for table in tables), norm.weight, norm.bias, noise, norm.eps, places, step
    )
    scales = [dropout.scale if dropout else 1.0 for dropout in (attention, hidden)]
    for layer in model.encoder.layer:
        weights = fused(layer, heads, dtype, *scales)
        state = Layer.apply(state, *weights.tensors(), weights.norm_1.eps, step)  # type: ignore[no-untyped-call]
    return state, step.arena


def states(
    model: Any, dtype: torch.dtype, layers: list[Maps], tokens: Tensor, types: Tensor, lengths: np.ndarray
) -> Tensor:
    """As `encode`, without dropout and gradient, of one block of sequences (engine.LARGEST)."""
    heads, embeddings = model.config.num_attention_heads, model.embeddings
    cut = groups(lengths, heads)
    words, places = embeddings.word_embeddings(tokens), embeddings.position_embeddings(positions(lengths))
    state: Tensor = embeddings.LayerNorm(words + places + embeddings.token_type_embeddings(types))
    for layer in layers:
        context = torch.empty_like(state, dtype=dtype)
        attend(layer.qkv(state.to(dtype)), cut, heads, None, Arena(), context)
        middle = layer.norm_1(layer.out(context).float().add_(state))
        raised = torch.ops.aten.gelu_(layer.up(middle.to(dtype)))
        state = layer.norm_2(layer.down(raised).float().add_(middle))
    return state


def positions(lengths: np.ndarray) -> Tensor:
    """0, 1, … of each sequence, end to end."""
    return torch.from_numpy(ragged(np.zeros_like(lengths), lengths))


class Embeddings(torch.autograd.Function):
    """Words, positions and types, summed, normalised, with dropout."""

    @staticmethod
    def forward(ctx, words, positions, types, weight, bias, noise, eps, places, step):  # type: ignore[no-untyped-def]
        size, width = len(places[0]), words.shape[1]
        total, state, part = (step.arena(size, width, dtype=words.dtype) for _ in range(3))
        torch.index_select(words, 0, places[0], out=total)
        for table, index in ((positions, places[1]), (types, places[2])):
            total += torch.index_select(table, 0, index, out=part)
        if noise is not None:
            total += noise
        saved = []
        for rows in step.blocks(size):
            normal, mean, rstd = torch.native_layer_norm(total[rows], (width,), weight, bias, eps)
            mask = step.mask(normal, normal.dtype)
            if mask is None:
                state[rows] = normal
            else:
                torch.mul(normal, mask.mul_(step.hidden_dropout.scale), out=state[rows])
            saved.append((mean, rstd, mask))
        ctx.saved = (total, saved, places, step, weight, bias, [len(t) for t in (words, positions, types)])
        return state

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):  # type: ignore[no-untyped-def]
        total, saved, places, step, weight, bias, sizes = ctx.saved
        width = grad.shape[1]
        inner = step.arena(*grad.shape, dtype=grad.dtype)
        norm = [torch.zeros(width), torch.zeros(width)]
        for rows, (mean, rstd, mask) in zip(step.blocks(len(grad)), saved, strict=True):
            part = grad[rows] if mask is None else grad[rows] * mask
            inner[rows] = norm_backward(part, total[rows], mean, rstd, weight, bias, norm)
        tables = (torch.zeros(n, width).index_add_(0, index, inner) for n, index in zip(sizes, places, strict=True))
        return (*tables, *norm, inner.clone() if ctx.needs_input_grad[5] else None, None, None, None)
