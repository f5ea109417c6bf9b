"""The shared encoder: sequences in, one vector each out, in the precision the hardware is good at."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from protomtl.core.files import digest_folder
from protomtl.model import distributed
from protomtl.model.device import device_of, precision_of, processor, put, settle_gpu
from protomtl.model.packed import bert, memory, varlen
from protomtl.model.packed.engine import PackedEngine
from protomtl.model.packed.network import open_bert
from protomtl.model.packed.varlen import VarlenEngine
from protomtl.model.padded import PaddedEngine
from protomtl.model.pretrained import open_network
from protomtl.model.recomputed import recomputed
from protomtl.model.sequences import Sequences, TokenTable, joined
from protomtl.model.settings import Compute


def settle(compute: Compute) -> None:
    """Take the process for the pipeline: its threads, on a CPU its allocator, on a GPU how it computes. A user's
    process is left alone."""
    torch.set_num_threads(compute.threads)
    if device_of(compute).type == "cpu":
        memory.settle()
    else:
        settle_gpu()


class Encoder(nn.Module):
    """A Hugging Face encoder with pooling: `mean` over the tokens, `cls` (first token) or `pooler`.

    BERT is encoded without padding (packed/) by a CPU, and in bf16 by a GPU; all else is padded in chunks (padded.py).
    SystemExit for a folder whose weights do not fit.
    """

    def __init__(self, folder: Path, pooling: str, compute: Compute) -> None:
        super().__init__()
        self.device = device_of(compute)
        self.precision = precision_of(compute, self.device)
        self.pooling = pooling
        self.folder, self.threads, self.micro_batch = folder, compute.threads, compute.micro_batch
        self.network, self.engine = open_engine(folder, pooling, self.precision, self.device, compute)
        if pooling == "pooler" and getattr(self.network, "pooler", None) is None:
            raise SystemExit(f"params.yaml: backbone.pooling: {folder} has no pooler; use mean or cls")

    @property
    def width(self) -> int:
        return int(self.network.config.hidden_size)

    @cached_property
    def identity(self) -> list[Any]:
        """All that its vectors depend on before it is trained, but for the code."""
        return [digest_folder(self.folder), *self.computation]

    def fingerprint(self) -> list[Any]:
        """The same of what it is now, trained or not."""
        found = hashlib.sha256()
        for name, value in self.network.state_dict().items():
            found.update(f"{name} {tuple(value.shape)}".encode())
            found.update(np.ascontiguousarray(value.detach().cpu().numpy()).data)
        return [found.hexdigest(), *self.computation]

    @property
    def computation(self) -> list[Any]:
        """How vectors are computed: what their last bits depend on beside the weights."""
        return [self.pooling, self.precision, self.device.type, self.threads, *processor(self.device)]

    def train(self, mode: bool = True) -> "Encoder":
        """As any module's; a padded engine chooses its attention by it."""
        if isinstance(self.engine, PaddedEngine):
            self.engine.choose_attention(mode)
        return super().train(mode)

    def forward(self, sequences: Sequences, noise: Tensor | None = None) -> Tensor:
        """[n, width] float32, one vector per sequence, in the order given.

        noise: [tokens, width], added to the embeddings of the words, for a pass with a graph.
        Sequences are encoded sorted by length; the batch stays what was sampled. Several processes share the work,
        and each has all vectors.
        """
        shares = distributed.shares(sequences.lengths)
        own, order = shares[distributed.place()[0]], np.concatenate(shares)
        with distributed.own_draws():  # no sequence for this process: it takes part with no vector of one
            rows = own if len(own) else order[:1]
            vectors = self.in_parts(partial(self.engine.vectors, sequences, training=self.training), rows, noise)
            vectors = vectors[: len(own)]
        place = put(torch.from_numpy(np.argsort(order, kind="stable")), self.device)
        return distributed.gather(vectors, [len(share) for share in shares])[place]

    def own_states(self, sequences: Sequences) -> tuple[Tensor, Tensor]:
        """The last hidden states [tokens, width] of this process's share of the sequences, and where in
        `sequences.tokens` [tokens] these are; with a graph."""
        own = np.sort(distributed.shares(sequences.lengths)[distributed.place()[0]])
        part, place = sequences.take(own if len(own) else np.zeros(1, dtype=int))
        with distributed.own_draws():
            every = np.arange(len(part.lengths))
            states = self.in_parts(lambda rows, _: self.engine.states(part.take(rows)[0], self.training), every, None)
        return (states, place) if len(own) else (states[:0], place[:0])

    def in_parts(
        self, encode: Callable[[np.ndarray, Tensor | None], Tensor], rows: np.ndarray, noise: Tensor | None
    ) -> Tensor:
        """`encode(rows, noise)`; with `micro_batch`, so many rows at a time if there is a graph to be held."""
        size = self.micro_batch
        if not size or len(rows) <= size or not torch.is_grad_enabled():
            return encode(rows, noise)
        trained = [parameter for parameter in self.network.parameters() if parameter.requires_grad]
        parts = np.split(rows, range(size, len(rows), size))
        return torch.cat([recomputed(partial(encode, part), noise, trained) for part in parts])


def open_engine(
    folder: Path, pooling: str, precision: str, device: torch.device, compute: Compute
) -> tuple[Any, PackedEngine | VarlenEngine | PaddedEngine]:
    """The network of a folder on its device, and what computes with it."""
    on_cpu = device.type == "cpu"
    able = on_cpu or (precision == "bf16" and varlen.runs_on(device))
    supports = bert.supports if on_cpu else varlen.supports
    plain = open_bert(folder) if able else None
    if plain is not None and not supports(plain.config):
        plain = None
    network: Any = (open_network(folder) if plain is None else plain).to(device)
    if not able or not supports(network.config):
        return network, PaddedEngine(network, pooling, precision)
    if on_cpu:
        return network, PackedEngine(network, pooling, precision, compute.threads)
    return network, VarlenEngine(network, pooling, precision, compute.compile)


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
    """No dropout and no gradient inside; training mode is as before afterwards.

    Never to be held over a `yield`: gradients would be off for whoever takes the value.
    """
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
        return tuple(encoder(group) for group in table.sequences_of(rows, concat))
