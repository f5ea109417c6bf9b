"""What fine-tuning trains, and how the losses of its tasks are weighed."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from protomtl.core.sections import settings_of_method
from protomtl.params import load
from protomtl.steps.finetune.step import objective_of
from protomtl.training.loop import Objective
from tests.support import ROOT

PARAMS = load(ROOT / "params.yaml")
MAIN = {name: PARAMS.tasks[name] for name in ("sst", "para", "sts")}
LABELS = {"sst": [0.0, 4.0, 2.0], "para": [1.0, 0.0, 1.0], "sts": [1.0, 5.0, 2.5]}  # variance of `sts`: 8.17 / 3


class Table:
    """Labels of some rows."""

    def __init__(self, labels: list[float]) -> None:
        self.labels = np.array(labels, np.float32)

    def __len__(self) -> int:
        return len(self.labels)


def objective(**more: Any) -> Objective:
    settings = settings_of_method("finetune", PARAMS.finetune, "x", {"frozen": True, **more})
    encoder = nn.Module()
    encoder.device = torch.device("cpu")
    heads = nn.ModuleDict({name: nn.Linear(3, 1) for name in settings.trained(MAIN)})
    model: Any = SimpleNamespace(encoder=encoder, heads=heads, frozen=True, embedder=lambda table: None)
    tables: Any = {name: Table(labels) for name, labels in LABELS.items()}
    return objective_of(model, MAIN, tables, settings, 1)


@pytest.mark.parametrize(
    ("more", "terms"),
    [
        ({}, [1, 1, 1]),
        ({"weights": {"para": 0.5}}, [1, 0.5, 1]),
        ({"weighting": "balanced"}, [1, 1, 3 / (49 / 6)]),
        ({"weighting": "uncertainty"}, [1, 1, 0.5]),  # at the start, where σ is 1
    ],
)
def test_losses_of_1_are_what_tasks_weigh(more: dict[str, Any], terms: list[float]) -> None:
    found = objective(**more).weigh(dict.fromkeys(MAIN, torch.tensor(1.0)))
    assert [term.item() for term in found] == pytest.approx(terms)


@pytest.mark.parametrize("rate", [0.0, 0.02])
def test_learned_weights_are_trained_at_their_own_rate(rate: float) -> None:
    found = objective(weighting="uncertainty", weighting_lr=rate)
    weights = {f"weigh.log_variance.{name}" for name in MAIN}
    assert weights < {name for name, _ in found.model.named_parameters()}
    assert found.rates == (dict.fromkeys(weights, rate) if rate else {})


def test_classes_are_those_of_all_main_tasks_whichever_are_trained() -> None:
    """So that episodes have the rows that they always have; a score is its rounded class."""
    found = objective(tasks=["sst"])
    drawn_by = {name: own.tolist() for name, own in found.classes.items()}
    assert drawn_by == {"sst": [0, 4, 2], "para": [1, 0, 1], "sts": [1, 5, 3]}
