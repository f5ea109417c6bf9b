"""Reading the token cache: rows of a task become sequences for the encoder, without Python per example."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from protomtl.core.files import MENDS, read_record

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
    special: what `tokenizer.open_tokenizer` gives; labels: [rows] float32 (NaN without labels); split: "" for rows that
    are of none.
    """

    task: str
    sides: list[tuple[Ints, Ints]]
    special: dict[str, Any]
    labels: np.ndarray
    split: str = ""

    @classmethod
    def open(cls, root: Path, task: str, split: str) -> "TokenTable":
        """One split of the token cache, mapped into memory. SystemExit for a damaged one."""
        folder = root / task / split

        def mapped(name: str) -> np.ndarray:
            path = folder / f"{name}.npy"
            try:
                return np.asanyarray(np.load(path, mmap_mode="r"))
            except (ValueError, EOFError) as error:
                raise SystemExit(f"{path}: damaged: {error}; {MENDS}") from None

        sides = [s for s in ("a", "b") if (folder / f"{s}.tokens.npy").exists()]
        texts = [(mapped(f"{s}.tokens"), mapped(f"{s}.offsets")) for s in sides]
        return cls(task, texts, read_record(root / "tokens.json"), mapped("labels"), split)

    def __len__(self) -> int:
        return len(self.labels)

    def digest(self) -> str:
        """SHA-256 of all that decides what the encoder is given."""
        found = hashlib.sha256(repr(sorted(self.special.items())).encode())
        for part in (array for side in self.sides for array in side):
            found.update(f"{part.dtype} {part.shape}".encode() + part.tobytes())
        return found.hexdigest()

    def single(self, rows: Ints, side: int) -> Sequences:
        """One side (0 or 1) of each row with its marks ([CLS] text [SEP] of BERT), cut at its end to fit."""
        start, length = self.span(rows, side)
        return self.assemble("single", {"a": (side, start, np.minimum(length, self.room("single")))})

    def pair(self, rows: Ints, turned: bool = False) -> Sequences:
        """Both texts of each row with their marks ([CLS] a [SEP] b [SEP] of BERT; turned: b before a); the longer text
        is cut first to fit."""
        first, second = (1, 0) if turned else (0, 1)
        (a, a_length), (b, b_length) = self.span(rows, first), self.span(rows, second)
        a_length, b_length = truncated(a_length, b_length, self.room("pair"))
        return self.assemble("pair", {"a": (first, a, a_length), "b": (second, b, b_length)})

    def span(self, rows: Ints, side: int) -> tuple[Ints, Ints]:
        """Where the texts of one side begin, and their lengths."""
        offsets = self.sides[side][1]
        return offsets[rows], offsets[rows + 1] - offsets[rows]

    def room(self, form: str) -> int:
        """Tokens of texts that fit into a sequence beside its marks."""
        marks = sum(isinstance(what, int) for what, _ in self.special[form])
        return int(self.special["max_length"]) - marks

    def sequences_of(self, rows: Ints, concat: bool) -> list[Sequences]:
        """What the encoder embeds of each row: one text, a concatenated pair, or the two texts of a pair."""
        if len(self.sides) == 1:
            return [self.single(rows, 0)]
        return [self.pair(rows)] if concat else [self.single(rows, 0), self.single(rows, 1)]

    def assemble(self, form: str, parts: dict[str, tuple[int, Ints, Ints]]) -> Sequences:
        """Sequences as the tokenizer writes a `single` text or a `pair`, of (side, starts, lengths) for each part."""
        template = self.special[form]
        lengths = np.sum([length for _, _, length in parts.values()], axis=0) + len(template) - len(parts)
        tokens, types = (np.zeros(lengths.sum(), dtype=np.int64) for _ in range(2))
        target = np.cumsum(lengths) - lengths
        for what, kind in template:
            if what in parts:
                side, source, length = parts[what]
                here = ragged(target, length)
                tokens[here], types[here] = self.sides[side][0][ragged(source, length)], kind
                target = target + length
            else:
                tokens[target], types[target] = what, kind
                target = target + 1
        return Sequences(tokens, types, lengths, self.special["pad"])


def ragged(starts: Ints, lengths: Ints) -> Ints:
    """start, start + 1, … (length numbers) for each start, end to end."""
    within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return np.asarray(np.repeat(starts, lengths) + within)


def truncated(a: Ints, b: Ints, budget: int) -> tuple[Ints, Ints]:
    """Lengths of two texts cut to `budget` tokens together, as tokenizers' longest_first does: the longer one is cut to
    the shorter, then each has half; an odd token is left to the longer one, to the second if both are as long."""
    short, long = np.minimum(a, b), np.maximum(a, b)
    over = a + b > budget
    short = np.where(over, np.minimum(short, budget // 2), short)
    long = np.where(over, budget - short, long)
    return np.where(a > b, long, short), np.where(a > b, short, long)
