"""Each sequence is encoded once inside `remembered`, and as ever outside."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from protomtl.model.encoder import evaluating
from protomtl.model.remembered import remembered
from protomtl.model.sequences import Sequences, joined


class Counting(nn.Module):
    """The sum of a sequence's tokens, and of its types; `seen`: how many sequences each call was given."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[int] = []

    def forward(self, sequences: Sequences, noise: Tensor | None = None) -> Tensor:
        self.seen.append(len(sequences.lengths))
        ends = np.cumsum(sequences.lengths)
        sums = [np.add.reduceat(x, ends - sequences.lengths) for x in (sequences.tokens, sequences.types)]
        return torch.from_numpy(np.stack(sums, axis=1)).float()


def sequences(*tokens: tuple[int, ...], kind: int = 0) -> Sequences:
    flat = np.array([token for one in tokens for token in one])
    return Sequences(flat, np.full_like(flat, kind), np.array([len(one) for one in tokens]), pad=0)


def test_what_was_encoded_is_not_encoded_again() -> None:
    encoder: Any = Counting()
    with remembered(encoder), evaluating(encoder):
        first = encoder(sequences((1, 2), (3,), (1, 2)))
        second = encoder(sequences((3,), (4, 5, 6), (1, 2)))
        third = encoder(sequences((3,)))
    assert encoder.seen == [2, 1]
    assert [part[:, 0].tolist() for part in (first, second, third)] == [[3, 3, 3], [3, 15, 3], [3]]


def test_tokens_that_are_cut_elsewhere_or_of_another_type_are_other_sequences() -> None:
    given = [sequences((1, 2), (3,)), sequences((1,), (2, 3)), sequences((1, 2), kind=1)]
    encoder: Any = Counting()
    with remembered(encoder), evaluating(encoder):
        found = torch.cat([encoder(one) for one in given])
    assert encoder.seen == [2, 2, 1] and torch.equal(found, encoder(joined(given)))


@pytest.mark.parametrize("how", ["a graph", "dropout", "noise"])
def test_a_pass_of_training_is_always_computed(how: str) -> None:
    encoder: Any = Counting()
    with remembered(encoder), torch.set_grad_enabled(how == "a graph"):
        encoder.train(how == "dropout")
        for _ in range(2):
            encoder(sequences((1, 2)), torch.zeros(2, 1) if how == "noise" else None)
    assert encoder.seen == [1, 1]


def test_afterwards_it_encodes_as_before_also_behind_an_error() -> None:
    encoder: Any = Counting()
    with pytest.raises(ValueError, match="stop"), remembered(encoder), evaluating(encoder):
        encoder(sequences((1,)))
        raise ValueError("stop")
    with evaluating(encoder):
        encoder(sequences((1,)))
    assert encoder.seen == [1, 1] and "forward" not in vars(encoder)
