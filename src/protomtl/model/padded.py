"""Encoding by transformers' own model: sequences of similar length are padded and encoded together."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from protomtl.model.device import put
from protomtl.model.sequences import Sequences

CHUNK = {"cpu": 32, "cuda": 256}  # sequences in one call of the model
Padded = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # what Sequences.padded gives


class PaddedEngine:
    """Any encoder of transformers, on any device, padded in chunks."""

    def __init__(self, network: Any, pooling: str, precision: str) -> None:
        self.network, self.pooling, self.precision = network, pooling, precision

    def choose_attention(self, training: bool) -> None:
        """transformers' attention: on a CPU with AMX the backward pass of bf16 SDPA is pathologically slow."""
        plain = training and self.network.device.type == "cpu"
        self.network.set_attn_implementation("eager" if plain else "sdpa")

    def vectors(self, sequences: Sequences, rows: np.ndarray, noise: Tensor | None, training: bool) -> Tensor:
        """[rows, width] float32 of some sequences, sorted by length; dropout is the network's own."""
        size = CHUNK[self.network.device.type]
        chunks = [rows[i : i + size] for i in range(0, len(rows), size)]
        return torch.cat([self.chunk_vectors(sequences.padded(chunk), noise) for chunk in chunks])

    def states(self, sequences: Sequences, training: bool) -> Tensor:
        """[tokens, width] float32, the last hidden state of each token in the order given."""
        _, _, mask, where = padded = sequences.padded(np.argsort(sequences.lengths, kind="stable"))
        hidden: Tensor = self.run(padded, None).last_hidden_state
        return hidden[torch.from_numpy(mask)][torch.from_numpy(where[mask]).argsort()].float()

    def chunk_vectors(self, padded: Padded, noise: Tensor | None) -> Tensor:
        """[n, width] float32 of one chunk."""
        output = self.run(padded, noise)
        if self.pooling == "pooler":
            pooled: Tensor = output.pooler_output.float()
            return pooled
        hidden: Tensor = output.last_hidden_state.float()
        if self.pooling == "cls":
            return hidden[:, 0]
        weights = put(torch.from_numpy(padded[2]), hidden.device)[..., None].float()
        return (hidden * weights).sum(1) / weights.sum(1)

    def run(self, padded: Padded, noise: Tensor | None) -> Any:
        """What transformers' model gives for one chunk."""
        device = self.network.device
        ids, kinds, attend, where = (put(torch.from_numpy(x), device) for x in padded)
        extra = {"token_type_ids": kinds} if getattr(self.network.config, "type_vocab_size", 0) > 1 else {}
        with (
            torch.autocast(device.type, torch.bfloat16, enabled=self.precision == "bf16"),
            added(self.network.get_input_embeddings(), None if noise is None else noise[where]),
        ):
            return self.network(input_ids=ids, attention_mask=attend.long(), **extra)


@contextmanager
def added(module: nn.Module, noise: Tensor | None) -> Iterator[None]:
    """Inside, what a module returns has `noise` added to it."""
    handle = None if noise is None else module.register_forward_hook(lambda _, __, output: output + noise)
    try:
        yield
    finally:
        if handle is not None:
            handle.remove()
