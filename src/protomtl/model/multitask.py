"""Encoder and heads together."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from protomtl.core.paths import TOKENS
from protomtl.model import distributed, vectors
from protomtl.model.device import put
from protomtl.model.encoder import Encoder, evaluating
from protomtl.model.heads import attribute, build_heads, class_vectors
from protomtl.model.seeding import seeded
from protomtl.model.sequences import Sequences, TokenTable
from protomtl.model.settings import Heads
from protomtl.seeds import some_rows
from protomtl.tasks.settings import Task
from protomtl.tasks.tensors import class_indices, probabilities

EXAMPLES = 1000  # training rows behind the prototypes: more hardly move the means, but would all be encoded
BLOCK = 4096  # rows that are embedded at a time

Embedder = Callable[[np.ndarray], tuple[Tensor, ...]]


class Trained(NamedTuple):
    """Whose vectors were left, and the encoder that they are of."""

    name: str
    encoder: list[Any]


class MultiTaskModel(nn.Module):
    """One encoder, one head per task."""

    def __init__(self, encoder: Encoder, tasks: dict[str, Task], settings: Heads, seed: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.settings = settings
        with seeded(seed, "heads"):
            self.heads = build_heads(tasks, encoder.width, settings)
        self.heads.to(encoder.device, torch.float32)
        self.frozen = settings.frozen
        if self.frozen:
            encoder.requires_grad_(False)

    def sequences(self, table: TokenTable, rows: np.ndarray) -> list[Sequences]:
        """What the encoder embeds of each row: one sequence; of a pair one, two or three."""
        if len(table.sides) == 1:
            return [table.single(rows, 0)]
        match self.settings.encoding_of(table.task):
            case "both_ways":
                return [table.pair(rows), table.pair(rows, turned=True)]
            case "joint":
                return [table.pair(rows), *table.sequences_of(rows, concat=False)]
            case how:
                return table.sequences_of(rows, how == "concat")

    def embedder(self, table: TokenTable) -> Embedder:
        """rows -> the embeddings of these rows without dropout or gradient; a frozen encoder encodes once."""
        return self.stored(table) if self.frozen else partial(self.embed, table)

    def embed(self, table: TokenTable, rows: np.ndarray) -> tuple[Tensor, ...]:
        """The embeddings [rows, width] of some rows, without dropout or gradient: one tensor per group."""
        with evaluating(self.encoder):
            return tuple(self.encoder(group) for group in self.sequences(table, rows))

    def stored(self, table: TokenTable, trained: Trained | None = None) -> Embedder:
        """The same for an encoder that no longer changes: the whole table is encoded here, once.

        A frozen encoder's vectors are shared with the other methods that leave it frozen. trained: by whom those of a
        trained encoder may have been left (`leave`).
        """
        if distributed.place()[1] > 1:  # several processes encode together
            ready = self.encoded(table)
        elif self.frozen:
            ready = vectors.shared(self.wanted(table))
        else:
            ready = (vectors.take(*self.identity(table, trained)) if trained else None) or self.encoded(table)
        whole = [found.to(self.encoder.device) for found in ready]
        return lambda rows: tuple(found[put(torch.from_numpy(rows), self.encoder.device)] for found in whole)

    def share(self, tables: Iterable[TokenTable]) -> None:
        """Encode whole tables with the other processes that have the same frozen encoder: each has a part of them."""
        if self.frozen and distributed.place()[1] == 1:
            vectors.share(map(self.wanted, tables))

    def wanted(self, table: TokenTable) -> vectors.Wanted:
        """A frozen encoder's vectors of a whole table."""
        return vectors.Wanted(*self.identity(table), partial(self.encoded, table))

    def encoded(self, table: TokenTable) -> list[Tensor]:
        """[rows, width] of all rows of a table, one tensor per group."""
        blocks = [self.embed(table, rows) for rows in in_blocks(len(table))]
        return [torch.cat(parts) for parts in zip(*blocks, strict=True)]

    def trained_by(self, method: str, seed: int) -> Trained:
        """What tells the trained encoder, as it is now, from others."""
        return Trained(f"trained/{method}-seed{seed}", self.encoder.fingerprint())

    def leave(self, table: TokenTable, trained: Trained, blocks: list[tuple[Tensor, ...]]) -> None:
        """Leave the vectors of a whole table to `stored` in the evaluation; blocks: of rows, as `embed` gives them."""
        if distributed.place()[1] == 1:
            vectors.leave(*self.identity(table, trained), [torch.cat(parts) for parts in zip(*blocks, strict=True)])

    def identity(self, table: TokenTable, trained: Trained | None = None) -> tuple[str, list[Any]]:
        """A name for the vectors of a table, and all that they depend on but the code."""
        how = self.settings.encoding_of(table.task) if len(table.sides) == 2 else "single"
        name = f"{table.task}/{table.split}/{how}"
        if trained:
            return f"{trained.name}/{name}", [trained.encoder, table.digest()]
        return name, [self.encoder.identity, table.digest()]

    def scores(self, name: str, task: Task, embed: Embedder, size: int) -> np.ndarray:
        """[size, classes] probabilities (regression: [size, 1] values) of a whole table, without dropout."""
        with evaluating(self):
            blocks = [probabilities(task, self.heads[attribute(name)](*embed(rows))) for rows in in_blocks(size)]
        return torch.cat(blocks).cpu().numpy()

    def class_examples(
        self, name: str, task: Task, seed: int, split: str = "train", most: int = EXAMPLES
    ) -> tuple[Tensor, Tensor]:
        """Embeddings [n, width], of two texts their sum (A.2), and classes [n] of at most this many random rows."""
        parts, classes = self.labelled_rows(name, task, seed, split, most)
        return class_vectors(parts, relation=False), classes

    def labelled_rows(
        self, name: str, task: Task, seed: int, split: str = "train", most: int = EXAMPLES, whole: bool = False
    ) -> tuple[tuple[Tensor, ...], Tensor]:
        """Embeddings [n, width] of each sequence group, and classes [n], of at most this many random rows.

        whole: take a frozen encoder's from those of the whole table, which other methods may have left.
        """
        table = TokenTable.open(TOKENS, name, split)
        rows = some_rows(len(table), most, seed, "prototypes", name)
        parts = self.embedder(table)(rows) if whole else self.embed(table, rows)
        return parts, class_indices(task, torch.from_numpy(table.labels[rows])).to(parts[0].device)

    def readout_vectors(self, name: str, parts: tuple[Tensor, ...]) -> Tensor:
        """[n, width] or [n, 2 · width] what prototypes with prior and scale are taken of.

        Of two texts that are encoded apart it is what relates them: their sum cannot say whether they agree.
        """
        return class_vectors(parts, relation=len(parts) == 2 and self.settings.encoding_of(name) == "separate")


def trained_parameters(model: nn.Module) -> dict[str, Tensor]:
    """The parameters that training changes, each once (shared layers have two names)."""
    return {name: p for name, p in model.named_parameters() if p.requires_grad}


def in_blocks(size: int) -> list[np.ndarray]:
    """Row numbers 0 .. size - 1 in blocks that fit into memory when embedded."""
    return [np.arange(start, min(start + BLOCK, size)) for start in range(0, size, BLOCK)]
