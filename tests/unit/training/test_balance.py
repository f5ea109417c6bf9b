"""Balanced losses: what the first step's loss is, by hand."""

import numpy as np
import pytest
import torch

from protomtl import params
from protomtl.core.sections import settings_of_method
from protomtl.model.heads import build_heads
from protomtl.tasks.tensors import task_loss
from protomtl.training import balance
from tests.support import ROOT

PARAMS = params.load(ROOT / "params.yaml")
SCORES = np.array([0.0, 2.0, 3.0, 5.0], np.float32)  # mean 2.5, variance 3.25
LABELS = {"sst": np.array([0.0, 4.0]), "para": np.array([0.0, 1.0]), "sts": SCORES}


def test_only_values_have_a_weight_the_inverse_of_their_variance() -> None:
    assert balance.weights(PARAMS.tasks, LABELS) == {"sts": 1 / 3.25}
    with pytest.raises(SystemExit, match=r"tasks\.sts: all labels of the train split are 3"):
        balance.weights(PARAMS.tasks, LABELS | {"sts": np.array([3.0, 3.0])})


@pytest.mark.parametrize("changes", [{"pair_encoding": "concat"}, {"pair_encoding": "joint"}, {"hidden": True}])
def test_a_head_that_begins_at_the_mean_costs_what_a_guess_does(changes: dict[str, object]) -> None:
    """For vectors of zeros its output is its bias: from 0 the loss is var + mean², 9.5, from the mean var."""
    settings = settings_of_method("finetune", PARAMS.finetune, "x", {"combine": "add", **changes})
    heads = build_heads(PARAMS.tasks, 8, settings).eval()
    for layer in heads.modules():
        if isinstance(layer, torch.nn.Linear):
            torch.nn.init.zeros_(layer.bias)
    vectors = [torch.zeros(4, 8)] * {"concat": 1, "joint": 3}.get(str(settings.pair_encoding), 2)
    before = task_loss(PARAMS.tasks["sts"], heads["sts"](*vectors), torch.from_numpy(SCORES)).item()
    others = [parameter.clone() for name in ("sst", "para") for parameter in heads[name].parameters()]
    balance.begin_at_mean(heads, PARAMS.tasks, LABELS)
    after = task_loss(PARAMS.tasks["sts"], heads["sts"](*vectors), torch.from_numpy(SCORES)).item()
    assert (before, after) == (pytest.approx(9.5), pytest.approx(3.25))
    assert all(map(torch.equal, others, [p for name in ("sst", "para") for p in heads[name].parameters()]))


def test_a_cosine_and_a_mean_of_classes_stay_as_they_are() -> None:
    for similarity in ("cosine", "expected"):
        settings = settings_of_method("finetune", PARAMS.finetune, "x", {"similarity": similarity, "hidden": False})
        heads = build_heads(PARAMS.tasks, 8, settings)
        before = [p.clone() for p in heads.parameters()]
        balance.begin_at_mean(heads, PARAMS.tasks, LABELS)
        assert all(map(torch.equal, before, heads.parameters()))
