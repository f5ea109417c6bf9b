"""Encoding BERT on a CPU without padding: with a graph all sequences together, without one in blocks for the cache."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from torch import Tensor

from protomtl.model.packed import bert
from protomtl.model.packed.products import ROWS
from protomtl.model.sequences import Sequences

LARGEST = 2048  # tokens of a block that is encoded without a graph: more are hardly faster, and need more memory


class PackedEngine:
    """BERT's forward and backward pass of our own; `supports` says of which networks."""

    def __init__(self, network: Any, pooling: str, precision: str, threads: int) -> None:
        self.network, self.pooling, self.precision, self.threads = network, pooling, precision, threads
        self.dtype = torch.bfloat16 if precision == "bf16" else torch.float32  # of products; the weights are float32

    def vectors(self, sequences: Sequences, rows: np.ndarray, noise: Tensor | None, training: bool) -> Tensor:
        """[rows, width] float32 of some sequences, sorted by length; `training` draws dropout."""
        if not torch.is_grad_enabled():
            return torch.cat(self.in_blocks(sequences, rows))
        tokens, types, lengths, place = sequences.packed(rows)
        shifted = None if noise is None else noise[place]
        states, arena = bert.encode(self.network, tokens, types, lengths, self.dtype, training, shifted)
        vectors = self.pooled(states, lengths)
        del arena  # not before: the states lie in it
        return vectors

    def states(self, sequences: Sequences, training: bool) -> Tensor:
        """[tokens, width] float32, the last hidden state of each token in the order given, with a graph."""
        tokens, types, lengths, place = sequences.packed(np.argsort(sequences.lengths, kind="stable"))
        states, arena = bert.encode(self.network, tokens, types, lengths, self.dtype, training)
        states = states[place.argsort()]
        del arena  # not before: the states lay in it
        return states

    def in_blocks(self, sequences: Sequences, order: np.ndarray) -> list[Tensor]:
        """Encode sequences, sorted by length, without a graph: [n, width] for each block of one or two thousand tokens.

        One thread for each of `compute.threads`: two blocks on two cores are faster than one block on both. Where the
        blocks end does not depend on the threads, and neither do the bytes.
        """
        heads = self.network.config.num_attention_heads
        lengths = sequences.lengths[order]
        total = int(lengths.sum())
        layers = [bert.maps(layer, heads, self.dtype, total) for layer in self.network.encoder.layer]
        number = np.cumsum(lengths) // np.clip(total // 8, ROWS, LARGEST)  # eight or more, for threads to share
        blocks = np.split(order, np.flatnonzero(np.diff(number)) + 1)

        def vectors(rows: np.ndarray) -> Tensor:
            tokens, types, lengths, _ = sequences.packed(rows)
            with torch.no_grad():  # it does not reach other threads by itself
                return self.pooled(bert.states(self.network, self.dtype, layers, tokens, types, lengths), lengths)

        if self.threads == 1:
            return list(map(vectors, blocks))
        before = torch.get_num_threads()
        try:
            with ThreadPoolExecutor(self.threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
                return list(pool.map(vectors, blocks))
        finally:
            torch.set_num_threads(before)  # of the one in a new thread it is set for all

    def pooled(self, states: Tensor, lengths: np.ndarray) -> Tensor:
        """[sequences, width] float32 of the last hidden states [tokens, width] of packed sequences."""
        if self.pooling == "mean":
            sequence = torch.from_numpy(np.repeat(np.arange(len(lengths)), lengths))
            sums = states.new_zeros(len(lengths), states.shape[1]).index_add(0, sequence, states)
            return sums / torch.from_numpy(lengths)[:, None]
        first = states[torch.from_numpy(np.cumsum(lengths) - lengths)]
        if self.pooling == "cls":
            return first
        with torch.autocast("cpu", torch.bfloat16, enabled=self.precision == "bf16"):
            vectors: Tensor = self.network.pooler(first[:, None])
        return vectors.float()
