"""BERT on packed sequences by torch's own operations and gradients: the way of a GPU, in bf16.

Tokens lie end to end, so nothing is padded and no length gives a new shape to plan for. On a CPU, where only tests take
this way, attention is a loop over the sequences.
"""

from itertools import chain, pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from protomtl.model.device import put
from protomtl.model.packed import bert
from protomtl.model.sequences import Sequences

TOKENS = 2**16  # that are encoded at a time without a graph
WIDEST, MULTIPLE = 256, 8  # of a head, in flash attention


def supports(config: Any) -> bool:
    """Whether this engine computes what a network of this configuration does: BERT with heads that flash takes."""
    if not bert.supports(config):
        return False
    d = config.hidden_size // config.num_attention_heads
    return bool(d <= WIDEST and d % MULTIPLE == 0)


def runs_on(device: torch.device) -> bool:
    """Whether a GPU has flash attention: NVIDIA's from Ampere on."""
    return torch.cuda.get_device_capability(device) >= (8, 0)


class Layout(NamedTuple):
    """Where packed sequences begin, on the device: cumulative [sequences + 1] int32; longest: tokens of one."""

    cumulative: Tensor
    longest: int


class VarlenEngine:
    """BERT on packed sequences; `supports` says of which networks."""

    def __init__(self, network: Any, pooling: str, precision: str, compiled: bool = False) -> None:
        self.network, self.pooling = network, pooling
        self.dtype = torch.bfloat16 if precision == "bf16" else torch.float32  # of products; the weights are float32
        self.encode = torch.compile(encode, dynamic=True) if compiled else encode

    def vectors(self, sequences: Sequences, rows: np.ndarray, noise: Tensor | None, training: bool) -> Tensor:
        """[rows, width] float32 of some sequences; `training` draws dropout."""
        low = self.low()
        parts = [rows] if torch.is_grad_enabled() else blocks(sequences.lengths[rows], rows)
        found = []
        for part in parts:
            states, layout = self.run(sequences, part, low, noise, training)
            found.append(self.pooled(states, layout))
        return torch.cat(found)

    def states(self, sequences: Sequences, training: bool) -> Tensor:
        """[tokens, width] float32, the last hidden state of each token in the order given, with a graph."""
        return self.run(sequences, np.arange(len(sequences.lengths)), self.low(), None, training)[0]

    def low(self) -> list[Tensor]:
        """Four weights and biases of each layer in the precision of products: see `Low`."""
        groups = self.products()
        sizes = [len(group) for group in groups]
        return list(Low.apply(self.dtype, sizes, *chain.from_iterable(groups)))  # type: ignore[no-untyped-call]

    def products(self) -> list[tuple[Tensor, ...]]:
        """For each product of each layer its weights, then its biases; queries, keys and values are one product."""
        found = []
        for layer in self.network.encoder.layer:
            inner = layer.attention.self
            after = (layer.attention.output.dense, layer.intermediate.dense, layer.output.dense)
            for linears in ((inner.query, inner.key, inner.value), *((linear,) for linear in after)):
                found += [tuple(linear.weight for linear in linears), tuple(linear.bias for linear in linears)]
        return found

    def run(
        self, sequences: Sequences, rows: np.ndarray, low: list[Tensor], noise: Tensor | None, training: bool
    ) -> tuple[Tensor, Layout]:
        """The last hidden states [tokens, width] of some sequences, and where these lie."""
        tokens, types, lengths, place = sequences.packed(rows)
        device = self.network.embeddings.LayerNorm.weight.device
        ids = put(torch.stack([tokens, bert.positions(lengths), types]), device)
        cumulative = put(torch.from_numpy(np.append(0, np.cumsum(lengths)).astype(np.int32)), device)
        layout = Layout(cumulative, int(lengths.max()))
        moved = None if noise is None else noise[put(place, device)]
        return self.encode(self.network, low, ids, layout, training, moved), layout

    def pooled(self, states: Tensor, layout: Layout) -> Tensor:
        """[sequences, width] float32 of the last hidden states [tokens, width]."""
        if self.pooling == "mean":  # a sum over each stretch of rows: unlike `index_add`, always in the same order
            offsets = layout.cumulative.long()
            return torch.segment_reduce(states, "mean", offsets=offsets, axis=0, unsafe=True)  # safe: reads lengths
        first = states.index_select(0, layout.cumulative[:-1])
        if self.pooling == "cls":
            return first
        with torch.autocast(states.device.type, torch.bfloat16, enabled=self.dtype == torch.bfloat16):
            vectors: Tensor = self.network.pooler(first[:, None])
        return vectors.float()


def blocks(lengths: np.ndarray, rows: np.ndarray) -> list[np.ndarray]:
    """The rows in parts of about TOKENS tokens."""
    return np.split(rows, np.flatnonzero(np.diff(np.cumsum(lengths) // TOKENS)) + 1)


def encode(
    network: Any, low: list[Tensor], ids: Tensor, layout: Layout, training: bool, noise: Tensor | None
) -> Tensor:
    """The last hidden states [tokens, width] float32. ids: [3, tokens] words, positions, types; low: VarlenEngine.low.

    Sums and norms are float32, products have the precision of `low`.
    """
    config, embeddings = network.config, network.embeddings
    p = config.hidden_dropout_prob if training else 0.0
    total = embeddings.word_embeddings(ids[0])
    if noise is not None:
        total = total + noise
    total = total + embeddings.position_embeddings(ids[1]) + embeddings.token_type_embeddings(ids[2])
    state: Tensor = functional.dropout(embeddings.LayerNorm(total), p, training)
    q = config.attention_probs_dropout_prob if training else 0.0
    for number, layer in enumerate(network.encoder.layer):
        qkv, qkv_bias, out, out_bias, up, up_bias, down, down_bias = low[8 * number : 8 * number + 8]
        packed = functional.linear(state.to(qkv.dtype), qkv, qkv_bias)
        context = functional.linear(attend(packed, config.num_attention_heads, layout, q), out, out_bias)
        state = norm(layer.attention.output, state + functional.dropout(context, p, training))
        raised = functional.gelu(functional.linear(state.to(up.dtype), up, up_bias))
        lowered = functional.linear(raised, down, down_bias)
        state = norm(layer.output, state + functional.dropout(lowered, p, training))
    return state


def norm(part: Any, total: Tensor) -> Tensor:
    found: Tensor = part.LayerNorm(total)
    return found


def attend(packed: Tensor, heads: int, layout: Layout, dropout: float) -> Tensor:
    """Self-attention within each sequence: [tokens, 3 · width] queries, keys, values -> [tokens, width].

    torch's `varlen_attn` is this operation with its dropout fixed at 0; so the operation itself is called, as torch's
    own nested tensors do.
    """
    query, key, value = packed.view(len(packed), 3, heads, -1).unbind(1)
    if packed.device.type == "cpu":
        return by_sequence(query, key, value, layout, dropout).flatten(1)
    ends, longest = (layout.cumulative, layout.cumulative), (layout.longest, layout.longest)
    found: Tensor = torch.ops.aten._flash_attention_forward(
        query, key, value, *ends, *longest, dropout, is_causal=False, return_debug_mask=False
    )[0]
    return found.flatten(1)


def by_sequence(query: Tensor, key: Tensor, value: Tensor, layout: Layout, dropout: float) -> Tensor:
    """[tokens, heads, d] the same, one sequence after the other."""
    found = []
    for begin, end in pairwise(layout.cumulative.tolist()):
        q, k, v = (x[begin:end].transpose(0, 1) for x in (query, key, value))
        found.append(functional.scaled_dot_product_attention(q, k, v, dropout_p=dropout).transpose(0, 1))
    return torch.cat(found)


class Low(torch.autograd.Function):
    """Parameters in another precision, some joined to one: one launch for all of them, and one for their gradients.

    autocast copies each weight by itself, in each step.
    """

    @staticmethod
    def forward(ctx, dtype, sizes, *parameters):  # type: ignore[no-untyped-def]
        """parameters: float32; sizes: how many of them are joined to the first result, to the second, …"""
        rest, ctx.rows, results, parts = iter(parameters), [], [], []
        for size in sizes:
            some = [next(rest) for _ in range(size)]
            rows = [len(parameter) for parameter in some]
            results.append(some[0].new_empty((sum(rows), *some[0].shape[1:]), dtype=dtype))
            parts += results[-1].split(rows)
            ctx.rows.append(rows)
        torch._foreach_copy_(parts, parameters)
        return tuple(results)

    @staticmethod
    @once_differentiable
    def backward(ctx, *gradients):  # type: ignore[no-untyped-def]
        parts = [part for whole, rows in zip(gradients, ctx.rows, strict=True) for part in whole.split(rows)]
        found = [torch.empty_like(part, dtype=torch.float32) for part in parts]
        torch._foreach_copy_(found, parts)
        return None, None, *found
