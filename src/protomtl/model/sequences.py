"""Reading the token cache: rows of a task become sequences for the encoder, without Python per example."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from protomtl.core.files import read_json

Ints = np.ndarray


@dataclass(frozen=True)
class Sequences:
    """Sequences of different lengths end to end, special tokens included.

    tokens, types: [sum of lengths]; lengths: [n]; pad: the token that fills up shorter ones.
    """

    tokens: Ints
    types: Ints
    lengths: Ints
    pad: int

    def padded(self, rows: Ints) -> tuple[Ints, Ints, Ints, Ints]:
        """(tokens, types, mask, place) of some sequences, each [rows, longest of them]; place: of each token here."""
        lengths = self.lengths[rows]
        columns = np.arange(lengths.max())
        mask = columns < lengths[:, None]
        starts = (np.cumsum(self.lengths) - self.lengths)[rows]
        place = np.where(mask, starts[:, None] + columns, 0)
        return np.where(mask, self.tokens[place], self.pad), np.where(mask, self.types[place], 0), mask, place

    def packed(self, rows: Ints) -> tuple[Tensor, Tensor, Ints, Tensor]:
        """(tokens, types, lengths, place) of some sequences, end to end in the order of `rows`; place: as above."""
        lengths = self.lengths[rows]
        place = ragged((np.cumsum(self.lengths) - self.lengths)[rows], lengths)
        tokens, types, places = (torch.from_numpy(x) for x in (self.tokens[place], self.types[place], place))
        return tokens, types, lengths, places

    def take(self, rows: Ints) -> tuple["Sequences", Tensor]:
        """Some of the sequences, and the place here of each of their tokens."""
        tokens, types, lengths, place = self.packed(rows)
        return Sequences(tokens.numpy(), types.numpy(), lengths, self.pad), place


def joined(batches: list[Sequences]) -> Sequences:
    """Several groups of sequences as one."""
    return Sequences(
        np.concatenate([b.tokens for b in batches]),
        np.concatenate([b.types for b in batches]),
        np.concatenate([b.lengths for b in batches]),
        batches[0].pad,
    )


@dataclass(frozen=True)
class TokenTable:
    """The texts of some rows of a task as token numbers, without special tokens, and their labels.

    sides: (tokens of all texts end to end, where each begins and the end) of the one text, or of the two of a pair;
    special: the numbers of `cls`, `sep` and `pad`, and `max_length`; labels: [rows] float32 (NaN without labels).
    """

    task: str
    sides: list[tuple[Ints, Ints]]
    special: dict[str, int]
    labels: np.ndarray

    @classmethod
    def open(cls, root: Path, task: str, split: str) -> "TokenTable":
        """One split of the token cache, mapped into memory."""
        folder = root / task / split

        def mapped(name: str) -> np.ndarray:
            return np.asanyarray(np.load(folder / f"{name}.npy", mmap_mode="r"))

        sides = [s for s in ("a", "b") if (folder / f"{s}.tokens.npy").exists()]
        texts = [(mapped(f"{s}.tokens"), mapped(f"{s}.offsets")) for s in sides]
        return cls(task, texts, read_json(root / "tokens.json"), mapped("labels"))

    def __len__(self) -> int:
        return len(self.labels)

    def single(self, rows: Ints, side: int) -> Sequences:
        """[CLS] text [SEP] of one side (0 or 1) of each row."""
        offsets = self.sides[side][1]
        return self.assemble([(side, offsets[rows], offsets[rows + 1] - offsets[rows])])

    def pair(self, rows: Ints, turned: bool = False) -> Sequences:
        """[CLS] a [SEP] b [SEP] of each row (turned: b before a); the longer text is cut first to fit."""
        first, second = (1, 0) if turned else (0, 1)
        a_offsets, b_offsets = self.sides[first][1], self.sides[second][1]
        a = a_offsets[rows + 1] - a_offsets[rows]
        b = b_offsets[rows + 1] - b_offsets[rows]
        a, b = truncated(a, b, self.special["max_length"] - 3)
        return self.assemble([(first, a_offsets[rows], a), (second, b_offsets[rows], b)])

    def sequences_of(self, rows: Ints, concat: bool) -> list[Sequences]:
        """What the encoder embeds of each row: one text, a concatenated pair, or the two texts of a pair."""
        if len(self.sides) == 1:
            return [self.single(rows, 0)]
        return [self.pair(rows)] if concat else [self.single(rows, 0), self.single(rows, 1)]

    def assemble(self, parts: list[tuple[int, Ints, Ints]]) -> Sequences:
        """[CLS] part [SEP] part [SEP] … of (side, starts in the cache, lengths) per part."""
        lengths = 1 + np.sum([length + 1 for _, _, length in parts], axis=0)
        starts = np.cumsum(lengths) - lengths
        tokens = np.full(lengths.sum(), self.special["sep"], dtype=np.int64)
        types = np.zeros(lengths.sum(), dtype=np.int64)
        tokens[starts] = self.special["cls"]
        target = starts + 1
        for kind, (side, source, length) in enumerate(parts):
            here, there = ragged(target, length), ragged(source, length)
            tokens[here] = self.sides[side][0][there]
            types[ragged(target, length + 1)] = kind  # the closing [SEP] belongs to its text
            target = target + length + 1
        return Sequences(tokens, types, lengths, self.special["pad"])


def ragged(starts: Ints, lengths: Ints) -> Ints:
    """start, start + 1, … (length numbers) for each start, end to end."""
    within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return np.asarray(np.repeat(starts, lengths) + within)


def truncated(a: Ints, b: Ints, budget: int) -> tuple[Ints, Ints]:
    """Lengths of two texts cut to `budget` tokens together, the longer one first (Hugging Face's longest_first)."""
    half = budget // 2
    over = a + b > budget
    a = np.where(over, np.maximum(budget - b, np.minimum(a, budget - half)), a)
    return a, np.minimum(b, budget - a)
