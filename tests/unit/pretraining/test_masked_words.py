"""Which words are hidden, and by what; what it costs to guess them."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from protomtl.model.sequences import Sequences
from protomtl.params import load
from protomtl.pretraining.masked_words import masked, objective
from tests.support import ROOT


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
    assert (shown == 4).mean() == pytest.approx(0.8, abs=0.015)
    assert (shown == texts.tokens[chosen.numpy()]).mean() == pytest.approx(0.1 + 0.1 / 50, abs=0.015)


SPECIAL = {"pair": [[2, 0], ["a", 0], [3, 0], ["b", 1], [3, 1]], "mask": 4}
TEXTS = Sequences(np.array([2, *range(5, 25), 3, 2, *range(9, 19), 3]), np.zeros(34, int), np.array([22, 12]), 0)


class Words(nn.Module):
    """In the place of an encoder: a token's state is its own embedding. The states come in another order."""

    width, device, precision = 6, torch.device("cpu"), "fp32"

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(30, 6)
        self.network = SimpleNamespace(get_input_embeddings=lambda: self.words, config=SimpleNamespace())

    def own_states(self, texts: Sequences) -> tuple[torch.Tensor, torch.Tensor]:
        place = torch.arange(len(texts.tokens)).flip(0)
        return self.words(torch.from_numpy(texts.tokens))[place], place


def test_the_loss_is_the_mean_over_the_hidden_words_of_each_task() -> None:
    encoder: Any = Words()
    table: Any = SimpleNamespace(special=SPECIAL, sequences_of=lambda rows, whole: [TEXTS])
    tables, settings = dict.fromkeys(("sst", "para"), table), load(ROOT / "params.yaml").pretrain
    found = objective(encoder, tables, {}, {}, settings, 1)
    head: Any = found.model.get_submodule("head")
    torch.manual_seed(3)
    losses = found.losses(dict.fromkeys(tables, np.array([0])))
    torch.manual_seed(3)
    for name in tables:
        hidden, chosen = masked(TEXTS, SPECIAL, 30)
        logits = head(encoder.words(torch.from_numpy(hidden.tokens)), encoder.words.weight)
        each = [functional.cross_entropy(logits[k], torch.tensor(TEXTS.tokens[k])).item() for k in chosen.tolist()]
        assert len(each) == 4 and losses[name].item() == pytest.approx(np.mean(each), rel=1e-5)  # 0.15 of 30, rounded
