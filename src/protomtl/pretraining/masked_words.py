"""Masked language modelling on the tasks' texts: phase 1 without labels (Devlin et al. 2019, §3.1)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from protomtl.model import distributed
from protomtl.model.device import put
from protomtl.model.encoder import Encoder
from protomtl.model.seeding import seed_torch
from protomtl.model.sequences import Sequences, TokenTable, joined
from protomtl.pretraining.settings import Pretrain
from protomtl.tasks.settings import Task
from protomtl.training.loop import Objective
from protomtl.training.sampling import Batches
from protomtl.training.weighting import fixed

HIDDEN, MASKED, RANDOM = 0.15, 0.8, 0.1  # tokens that are predicted; of these: masked, replaced; the rest stay


class Prediction(nn.Module):
    """BERT's head: a layer, gelu, norm, and the word embeddings themselves as output weights.

    Word embeddings may be narrower than the states [n, width], as in ALBERT and ELECTRA.
    """

    def __init__(self, width: int, words: Tensor, eps: float) -> None:
        super().__init__()
        vocabulary, inner = words.shape
        self.dense, self.norm = nn.Linear(width, inner), nn.LayerNorm(inner, eps)
        self.bias = nn.Parameter(torch.zeros(vocabulary))

    def forward(self, states: Tensor, words: Tensor) -> Tensor:
        """[n, width] and the word embeddings [vocabulary, width] -> [n, vocabulary]."""
        return functional.linear(self.norm(functional.gelu(self.dense(states))), words, self.bias)


def objective(
    encoder: Encoder,
    tables: Mapping[str, TokenTable],
    tasks: Mapping[str, Task],
    labels: Mapping[str, np.ndarray],
    settings: Pretrain,
    seed: int,
) -> Objective:
    """For each task the cross entropy of the words that were hidden in its texts; labels are not looked at."""
    words = encoder.network.get_input_embeddings().weight
    seed_torch(seed, "head of masked language modelling")
    eps = getattr(encoder.network.config, "layer_norm_eps", 1e-12)  # BERT's, where a family has none of this name
    head = Prediction(encoder.width, words, eps).to(encoder.device)
    special = next(iter(tables.values())).special
    if special["mask"] is None:
        raise SystemExit("params.yaml: pretrain.objective: mlm: the backbone's tokenizer has no mask token")

    def losses(rows: Batches) -> dict[str, Tensor]:
        found = {}
        for name, some in rows.items():
            texts = joined(tables[name].sequences_of(some, settings.joins_pairs))
            hidden, chosen = masked(texts, special, len(words))
            states, place = encoder.own_states(hidden)
            within = torch.full((len(texts.tokens),), -1).index_copy(0, place, torch.arange(len(place)))[chosen]
            own = within >= 0
            with torch.autocast(encoder.device.type, torch.bfloat16, enabled=encoder.precision == "bf16"):
                logits = head(states[put(within[own], encoder.device)], words)
            gold = put(torch.from_numpy(texts.tokens)[chosen[own]], encoder.device)
            found[name] = distributed.total(functional.cross_entropy(logits.float(), gold, reduction="sum")) / len(own)
        return found

    return Objective(nn.ModuleDict({"encoder": encoder, "head": head}), losses, fixed({}))


def masked(texts: Sequences, special: Mapping[str, Any], vocabulary: int) -> tuple[Sequences, Tensor]:
    """The texts with some tokens hidden, and the places [hidden] of these; the tokenizer's marks never are.

    At least one token is hidden. Drawn from torch's generator, which the training loop seeds for each step.
    """
    tokens = torch.from_numpy(texts.tokens)
    real = torch.from_numpy(
        ~np.isin(texts.tokens, [what for what, _ in special["pair"] if isinstance(what, int)])
    ).nonzero()[:, 0]
    chosen = real[torch.randperm(len(real))[: max(1, round(HIDDEN * len(real)))]]
    fate = torch.rand(len(chosen))
    replaced = tokens.clone()
    replaced[chosen[fate < MASKED]] = special["mask"]
    others = chosen[(fate >= MASKED) & (fate < MASKED + RANDOM)]
    replaced[others] = torch.randint(vocabulary, (len(others),))
    return replace(texts, tokens=replaced.numpy()), chosen
