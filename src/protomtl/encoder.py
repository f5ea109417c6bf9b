"""The shared encoder: sequences in, one vector each out, in the precision the hardware is good at."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from protomtl import bert, distributed, memory
from protomtl.layer import ROWS
from protomtl.schema import Compute
from protomtl.tokens import Sequences, TokenTable, joined

CHUNK = {"cpu": 32, "cuda": 256}  # sequences of similar length that are padded and encoded together


def device_of(compute: Compute) -> torch.device:
    """The device of `compute.device`; auto takes a GPU if there is one. Each of several processes has its own GPU."""
    if compute.device == "cpu" or (compute.device == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise SystemExit("params.yaml: compute.device: cuda: this machine has no GPU that torch can use")
    number, cards = distributed.local_rank(), torch.cuda.device_count()
    if number >= cards:
        raise SystemExit(f"params.yaml: compute.processes: {number + 1} or more here, but torch sees {cards} GPUs only")
    return torch.device("cuda", number)


def precision_of(compute: Compute, device: torch.device) -> str:
    """bf16 or fp32; auto is bf16 where the hardware multiplies it faster than fp32."""
    if compute.precision != "auto":
        return compute.precision
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    # Intel's cores multiply bf16 fast by AMX only, which virtual machines may hide; else at half fp32's rate.
    fast = torch.cpu._is_amx_tile_supported() or (torch.cpu._is_avx512_bf16_supported() and not is_intel())
    return "bf16" if fast else "fp32"


def is_intel(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether Linux says that this processor is Intel's; False where it says nothing."""
    return cpuinfo.exists() and "GenuineIntel" in cpuinfo.read_text()


class Encoder(nn.Module):
    """A Hugging Face encoder with pooling: `mean` over the tokens, `cls` (first token) or `pooler`."""

    def __init__(self, folder: Path, pooling: str, compute: Compute) -> None:
        from transformers import AutoModel  # heavy
        from transformers.utils import logging

        super().__init__()
        logging.set_verbosity_error()  # type: ignore[no-untyped-call]  # no report for each of many loads
        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        self.threads = compute.threads
        torch.set_num_threads(compute.threads)
        self.device = device_of(compute)
        self.precision = precision_of(compute, self.device)
        self.pooling = pooling
        self.bert = AutoModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").to(self.device)
        self.packed = self.device.type == "cpu" and bert.supports(self.bert.config)
        if self.packed:
            memory.settle()
        if pooling == "pooler" and getattr(self.bert, "pooler", None) is None:
            raise SystemExit(f"params.yaml: backbone.pooling: {folder} has no pooler; use mean or cls")

    @property
    def width(self) -> int:
        return int(self.bert.config.hidden_size)

    def train(self, mode: bool = True) -> "Encoder":
        """Choose transformers' attention: on a CPU with AMX the backward pass of bf16 SDPA is pathologically slow."""
        plain = mode and self.device.type == "cpu"
        self.bert.set_attn_implementation("eager" if plain else "sdpa")
        return super().train(mode)

    def forward(self, sequences: Sequences, noise: Tensor | None = None) -> Tensor:
        """[n, width] float32, one vector per sequence, in the order given.

        noise: [tokens, width], added to the embeddings of the words, for a pass with a graph.
        A CPU encodes BERT without padding (bert.py). Else sequences are sorted by length and padded in chunks.
        Either way the batch stays what was sampled. Several processes share the work, and each has all vectors.
        """
        shares = distributed.shares(sequences.lengths)
        own, order = shares[distributed.place()[0]], np.concatenate(shares)
        with distributed.own_draws():  # no sequence for this process: it takes part with no vector of one
            vectors = self.vectors(sequences, own if len(own) else order[:1], noise)[: len(own)]
        place = torch.from_numpy(np.argsort(order, kind="stable")).to(self.device)
        return distributed.gather(vectors, [len(share) for share in shares])[place]

    def vectors(self, sequences: Sequences, rows: np.ndarray, noise: Tensor | None) -> Tensor:
        """[rows, width] float32 of some sequences, sorted by length."""
        if self.packed and torch.is_grad_enabled():
            return self.packed_vectors(sequences, rows, noise)
        if self.packed:
            return torch.cat(self.in_blocks(sequences, rows))
        size = CHUNK[self.device.type]
        chunks = [rows[i : i + size] for i in range(0, len(rows), size)]
        return torch.cat([self.padded_vectors(*sequences.padded(chunk), noise) for chunk in chunks])

    def packed_vectors(self, sequences: Sequences, rows: np.ndarray, noise: Tensor | None) -> Tensor:
        """Encode sequences, sorted by length, with a graph for the backward pass; returns [rows, width] float32."""
        tokens, types, lengths, place = sequences.packed(rows)
        shifted = None if noise is None else noise[place]
        states, arena = bert.encode(self.bert, tokens, types, lengths, self.dtype, self.training, shifted)
        vectors = self.pooled(states, lengths)
        del arena  # not before: the states lie in it
        return vectors

    def own_states(self, sequences: Sequences) -> tuple[Tensor, Tensor]:
        """The last hidden states [tokens, width] of this process's share of the sequences, and where in
        `sequences.tokens` [tokens] these are; with a graph."""
        own = np.sort(distributed.shares(sequences.lengths)[distributed.place()[0]])
        part, place = sequences.take(own if len(own) else np.zeros(1, dtype=int))
        with distributed.own_draws():
            states = self.states(part)
        return (states, place) if len(own) else (states[:0], place[:0])

    def states(self, sequences: Sequences) -> Tensor:
        """[tokens, width] float32, the last hidden state of each token in the order given, with a graph."""
        order = np.argsort(sequences.lengths, kind="stable")
        if self.packed:
            tokens, types, lengths, place = sequences.packed(order)
            states, arena = bert.encode(self.bert, tokens, types, lengths, self.dtype, self.training)
            states = states[place.argsort()]
            del arena  # not before: the states lay in it
            return states
        _, _, mask, where = padded = sequences.padded(order)
        hidden: Tensor = self.run(*padded, None).last_hidden_state
        return hidden[torch.from_numpy(mask)][torch.from_numpy(where[mask]).argsort()].float()

    def in_blocks(self, sequences: Sequences, order: np.ndarray) -> list[Tensor]:
        """Encode sequences, sorted by length, without a graph: [n, width] for each block of a thousand tokens.

        One thread for each of `compute.threads`: two blocks on two cores are faster than one block on both.
        """
        heads = self.bert.config.num_attention_heads
        weights = [bert.fused(layer, heads, self.dtype) for layer in self.bert.encoder.layer]
        number = np.cumsum(sequences.lengths[order]) // ROWS
        blocks = np.split(order, np.flatnonzero(np.diff(number)) + 1)

        def vectors(rows: np.ndarray) -> Tensor:
            tokens, types, lengths, _ = sequences.packed(rows)
            with torch.no_grad():  # it does not reach other threads by itself
                return self.pooled(bert.states(self.bert, weights, tokens, types, lengths), lengths)

        if self.threads == 1:
            return list(map(vectors, blocks))
        try:
            with ThreadPoolExecutor(self.threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
                return list(pool.map(vectors, blocks))
        finally:
            torch.set_num_threads(self.threads)

    @property
    def dtype(self) -> torch.dtype:
        """Of products; the weights are float32."""
        return torch.bfloat16 if self.precision == "bf16" else torch.float32

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
            vectors: Tensor = self.bert.pooler(first[:, None])
        return vectors.float()

    def padded_vectors(
        self, tokens: np.ndarray, types: np.ndarray, mask: np.ndarray, place: np.ndarray, noise: Tensor | None
    ) -> Tensor:
        """Encode one padded chunk, each input [n, longest]; returns [n, width] float32."""
        output = self.run(tokens, types, mask, place, noise)
        if self.pooling == "pooler":
            pooled: Tensor = output.pooler_output.float()
            return pooled
        hidden: Tensor = output.last_hidden_state.float()
        if self.pooling == "cls":
            return hidden[:, 0]
        weights = torch.from_numpy(mask).to(self.device)[..., None].float()
        return (hidden * weights).sum(1) / weights.sum(1)

    def run(
        self, tokens: np.ndarray, types: np.ndarray, mask: np.ndarray, place: np.ndarray, noise: Tensor | None
    ) -> Any:
        """What transformers' model gives for one padded chunk."""
        ids, kinds, attend, where = (torch.from_numpy(x).to(self.device) for x in (tokens, types, mask, place))
        extra = {"token_type_ids": kinds} if getattr(self.bert.config, "type_vocab_size", 0) > 1 else {}
        with (
            torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16"),
            added(self.bert.get_input_embeddings(), None if noise is None else noise[where]),
        ):
            return self.bert(input_ids=ids, attention_mask=attend.long(), **extra)


@contextmanager
def added(module: nn.Module, noise: Tensor | None) -> Iterator[None]:
    """Inside, what a module returns has `noise` added to it."""
    handle = None if noise is None else module.register_forward_hook(lambda _, __, output: output + noise)
    try:
        yield
    finally:
        if handle is not None:
            handle.remove()


def embed_batch(
    encoder: Encoder, groups: dict[str, list[Sequences]], noise: Tensor | None = None
) -> dict[str, tuple[Tensor, ...]]:
    """Embed all tasks of a step at once: per task one tensor [batch, width] per sequence group.

    noise: [tokens of all groups, width], added to the embeddings of the words.
    """
    every = [s for group in groups.values() for s in group]
    pieces = iter(encoder(joined(every), noise).split([len(s.lengths) for s in every]))
    return {task: tuple(next(pieces) for _ in group) for task, group in groups.items()}


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """No dropout and no gradient inside; training mode is as before afterwards."""
    before = module.training
    module.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        module.train(before)


def embed_table(encoder: Encoder, table: TokenTable, concat: bool, rows: np.ndarray) -> tuple[Tensor, ...]:
    """Embed rows of a table without dropout: one tensor [rows, width] float32 per sequence group."""
    with evaluating(encoder):
        return tuple(encoder(group) for group in table.embeddable(rows, concat))
