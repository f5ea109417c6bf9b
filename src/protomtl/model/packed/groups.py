"""Where the tokens of sequences of different lengths stand when they lie end to end, without padding.

Only attention needs a rectangle: there, neighbours in length are padded together, and nowhere else.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

TOKENS = 1024  # about so many, padding included, are attended to at a time: what fits into the cache
MULTIPLE = 16  # lengths are padded up to it, since softmax is vectorised over 16 columns and slow below


@dataclass(frozen=True)
class Group:
    """Neighbouring sequences in a rectangle [sequences, heads, longest] of pieces (one head of one token).

    rows: their tokens; to_query_key_value, to_rectangle: piece of the packed tokens (three tensors, or one) for
    each place; from_rectangle, from_query_key_value: the way back; padding: [sequences, 1, 1, longest] -inf at
    columns that are no token, 0 elsewhere, or None without such.
    """

    rows: slice
    sequences: int
    longest: int
    to_query_key_value: Tensor
    to_rectangle: Tensor
    from_query_key_value: Tensor
    from_rectangle: Tensor
    padding: Tensor | None


def groups(lengths: np.ndarray, heads: int) -> list[Group]:
    """Cut sequences, sorted by length, into groups. lengths: [sequences] tokens of each."""
    starts = np.cumsum(lengths) - lengths
    return [group(int(starts[first]), lengths[first:last], heads) for first, last in cuts(lengths)]


def cuts(lengths: np.ndarray) -> Iterator[tuple[int, int]]:
    """(first, last + 1) of as many neighbours at a time as fit into TOKENS when padded; at least one."""
    first = 0
    while first < len(lengths):
        padded = -(-lengths[first:] // MULTIPLE) * MULTIPLE
        fitting = int(np.argmax(np.append(padded * np.arange(1, len(padded) + 1), TOKENS + 1) > TOKENS))
        last = first + max(1, fitting)
        yield first, last
        first = last


def group(start: int, lengths: np.ndarray, heads: int) -> Group:
    """The places of some sequences whose first token is `start`; all indices are relative to it."""
    size, tokens = len(lengths), int(lengths.sum())
    longest = int(-(-lengths.max() // MULTIPLE) * MULTIPLE)
    starts = np.cumsum(lengths) - lengths
    column, head, part = np.arange(longest), np.arange(heads), np.arange(3)
    real = column < lengths[:, None]
    token = np.where(real, starts[:, None] + column, 0)  # [size, longest]; padding points anywhere
    sequence = np.repeat(np.arange(size), lengths)
    place = sequence * heads * longest + np.arange(tokens) - np.repeat(starts, lengths)  # of head 0
    piece = place[:, None] + head * longest  # [tokens, heads]
    padding = np.where(real, np.float32(0), -np.inf).astype(np.float32)[:, None, None, :]
    return Group(
        slice(start, start + tokens),
        size,
        longest,
        flat(token[None, :, None, :] * 3 * heads + (part[:, None] * heads + head)[:, None, :, None]),
        flat(token[:, None, :] * heads + head[:, None]),
        flat(piece[:, None, :] + (part * size * heads * longest)[:, None]),
        flat(piece),
        None if real.all() else torch.from_numpy(padding),
    )


def flat(indices: np.ndarray) -> Tensor:
    return torch.from_numpy(indices.ravel())
