"""The losses of a step of fine-tuning, of vectors that are given here: a task's own, and what stands beside it."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from protomtl.params import load
from protomtl.steps.finetune import losses
from protomtl.tasks.tensors import task_loss
from tests.support import ROOT

PARAMS = load(ROOT / "params.yaml")
TASKS = {name: PARAMS.tasks[name] for name in ("sst", "sts")}
ROWS = {"sst": np.array([2, 0]), "sts": np.array([1, 3]), "para": np.array([0])}  # drawn for all main tasks
LABELS = {"sst": np.array([1.0, 2, 4, 0], np.float32), "sts": np.array([0.5, 2, 3, 5], np.float32)}
X = torch.randn(4, 3, generator=torch.Generator().manual_seed(1))
Losses = dict[str, float]


def found(joint: Any = None, **more: Any) -> tuple[Losses, Losses]:
    """The losses of a step with these settings, and the tasks' own by themselves."""
    heads = nn.ModuleDict({"sst": nn.Linear(3, 5), "sts": nn.Linear(3, 1)})
    encoder = SimpleNamespace(device=torch.device("cpu"))
    model: Any = SimpleNamespace(
        frozen=True, encoder=encoder, heads=heads, embedder=lambda table: lambda rows: (X[rows],)
    )
    tables: Any = {name: SimpleNamespace(labels=labels) for name, labels in LABELS.items()}
    settings = PARAMS.finetune.model_copy(update=more)
    of_step = losses.finetuning_losses(model, tables, TASKS, settings, joint)(ROWS)
    smoothing = settings.label_smoothing
    own = {
        name: task_loss(task, heads[name](X[ROWS[name]]), torch.tensor(LABELS[name][ROWS[name]]), smoothing).item()
        for name, task in TASKS.items()
    }
    return {name: value.item() for name, value in of_step.items()}, own


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_each_trained_task_has_the_loss_of_its_own_rows_and_labels(smoothing: float) -> None:
    of_step, own = found(label_smoothing=smoothing)
    assert of_step == pytest.approx(own)


def test_the_prototypical_loss_stands_beside_it_with_its_weight() -> None:
    """Here it is Σ x_0 y of the rows, so that vectors and labels must be of the same rows."""
    joint = SimpleNamespace(loss=lambda name, parts, labels: parts[0][:, 0] @ labels)
    of_step, own = found(joint, prototypes=PARAMS.finetune.prototypes.model_copy(update={"weight": 0.25}))
    beside = {name: (X[ROWS[name], 0] @ torch.tensor(LABELS[name][ROWS[name]])).item() for name in TASKS}
    assert of_step == pytest.approx({name: own[name] + 0.25 * beside[name] for name in TASKS})


def test_how_far_outputs_move_stands_beside_it_with_its_weight(monkeypatch: pytest.MonkeyPatch) -> None:
    moved = {"sst": torch.tensor(3.0), "sts": torch.tensor(7.0)}
    monkeypatch.setattr(losses, "divergences", lambda *_: moved)
    of_step, own = found(smoothness=PARAMS.finetune.smoothness.model_copy(update={"weight": 0.5}))
    assert of_step == pytest.approx({"sst": own["sst"] + 1.5, "sts": own["sts"] + 3.5})
