"""Cutting and joining sequences, against doing it one token at a time."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from protomtl.model import sequences
from protomtl.model.sequences import truncated


def slow_longest_first(a: int, b: int, budget: int) -> tuple[int, int]:
    """Take one token at a time from the longer text; of two as long, first from the one that was shorter."""
    first_was_longer = a > b
    while a + b > budget:
        if a > b or (a == b and not first_was_longer):
            a -= 1
        else:
            b -= 1
    return a, b


@given(st.integers(0, 60), st.integers(0, 60), st.integers(4, 60))
def test_truncation_against_one_token_at_a_time(a: int, b: int, budget: int) -> None:
    ours = truncated(np.array([a]), np.array([b]), budget)
    assert (int(ours[0][0]), int(ours[1][0])) == slow_longest_first(a, b, budget)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 5)), min_size=1, max_size=8))
def test_ragged_against_plain_ranges(parts: list[tuple[int, int]]) -> None:
    starts, lengths = map(np.array, zip(*parts, strict=True))
    expected = [i for start, length in parts for i in range(start, start + length)]
    assert sequences.ragged(starts, lengths).tolist() == expected
