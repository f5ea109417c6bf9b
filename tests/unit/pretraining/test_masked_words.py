"""Which words are hidden, and by what."""

import numpy as np
import pytest
import torch

from protomtl.model.sequences import Sequences
from protomtl.pretraining.masked_words import masked


def test_a_seventh_of_the_words_is_hidden_and_no_special_token() -> None:
    torch.manual_seed(0)
    tokens = np.tile(np.array([2, *range(5, 45), 3]), 500)
    texts = Sequences(tokens, np.zeros_like(tokens), np.full(500, 42), 0)
    hidden, chosen = masked(texts, {"pair": [[2, 0], ["a", 0], [3, 0], ["b", 1], [3, 1]], "mask": 4}, 50)
    assert len(chosen) == round(0.15 * 500 * 40)
    changed = hidden.tokens != texts.tokens
    assert (
        not changed[np.isin(tokens, [2, 3])].any() and not changed[np.setdiff1d(np.arange(len(tokens)), chosen)].any()
    )
    shown = hidden.tokens[chosen.numpy()]
    assert (shown == 4).mean() == pytest.approx(0.8, abs=0.03)
    assert (shown == texts.tokens[chosen.numpy()]).mean() == pytest.approx(0.1 + 0.1 / 50, abs=0.03)
