"""The prototypical losses beside the heads' own: of which vectors they are."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from protomtl.core.sections import settings_of_method
from protomtl.model.heads import class_vectors
from protomtl.model.prototypes import prototypical_loss
from protomtl.params import load
from protomtl.training.joint import Joint, joint_prototypes
from tests.support import ROOT

PARAMS = load(ROOT / "params.yaml")
TASKS = {name: PARAMS.tasks[name] for name in ("sst", "para", "sts")}
LABELS = {"sst": [0.0, 4, 0, 4], "para": [1.0, 1, 0, 0], "sts": [5.0, 5, 0, 0]}
FIRST, SECOND = torch.randn(2, 4, 3, generator=torch.Generator().manual_seed(1))
ENCODINGS = {"para": "separate", "sts": "concat"}


def joint(weight: float = 0.1, **more: Any) -> Joint | None:
    """Of a model that gives FIRST for each text, and SECOND for the other text of a pair that is encoded apart."""
    own = {"weight": weight, "distance": "squared_euclidean", **more.pop("prototypes", {})}
    over = {"pair_encoding": ENCODINGS, "hidden": False, "prototypes": own, **more}
    settings = settings_of_method("finetune", PARAMS.finetune, "x", over)
    encoder = SimpleNamespace(width=3, device=torch.device("cpu"))
    model: Any = SimpleNamespace(encoder=encoder, embed=lambda table, rows: [part[rows] for part in parts(table.task)])
    tables: Any = {name: SimpleNamespace(task=name, labels=np.array(LABELS[name], np.float32)) for name in TASKS}
    return joint_prototypes(model, tables, TASKS, settings, 2, 1)


def parts(name: str) -> list[torch.Tensor]:
    return [FIRST, SECOND] if name == "para" else [FIRST]


def test_without_a_weight_there_is_none() -> None:
    assert joint(0.0) is None


@pytest.mark.parametrize("combine", ["relation", "add"])
@pytest.mark.parametrize("kind", ["batch", "train", "average"])
def test_texts_apart_have_what_relates_them_where_their_head_has_it(combine: str, kind: str) -> None:
    """Of a step that has all rows, the means of the whole split and those that a step like it left are its own."""
    found = joint(combine=combine, prototypes={"kind": kind})
    assert found is not None and isinstance(found.modules, nn.ModuleDict)
    assert found.related == ({"para"} if combine == "relation" else set())
    for name in TASKS:
        own = torch.tensor(LABELS[name])
        vectors = class_vectors(parts(name), name == "para" and combine == "relation")
        slow = prototypical_loss(vectors, own.long(), "squared_euclidean")
        assert kind != "average" or found.loss(name, parts(name), own) == 0  # before any step there are none
        assert found.loss(name, parts(name), own).item() == pytest.approx(slow.item(), abs=1e-6)


def test_learned_factors_have_their_own_rate() -> None:
    found = joint(prototypes={"scale_lr": 0.03})
    assert found is not None
    assert found.rates("beside") == {f"beside.{name}.log_inverse_temperature": 0.03 for name in TASKS}
