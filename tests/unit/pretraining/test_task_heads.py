"""The losses of pre-finetuning: MUPPET's are scaled by what a guess costs, the control's are of prototypes' classes."""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from protomtl.params import load
from protomtl.pretraining import task_heads
from protomtl.tasks import tensors
from protomtl.training.loop import Objective
from tests.support import ROOT

PARAMS = load(ROOT / "params.yaml")
TASKS = PARAMS.tasks
ROWS = {"sst": np.array([2, 0]), "para": np.array([1, 3]), "sts": np.array([3, 1])}
LABELS = {
    "sst": np.array([1.0, 2, 4, 0], np.float32),
    "para": np.array([0.0, 1, 1, 0], np.float32),
    "sts": np.array([0.5, 2.75, 3, 5], np.float32),  # mean square minus squared mean: 10.453125 - 2.8125²
}
X = torch.randn(4, 3, generator=torch.Generator().manual_seed(1))


class Vectors(nn.Module):
    """In the place of an encoder: what `embed_batch` would give is X."""

    width, device = 3, torch.device("cpu")


def built(monkeypatch: pytest.MonkeyPatch, **more: Any) -> tuple[Objective, dict[str, Tensor]]:
    """The objective without dropout, and what its heads give for ROWS."""
    monkeypatch.setattr(task_heads, "embed_batch", lambda _, groups: {name: (X[r],) for name, r in groups.items()})
    tables: Any = dict.fromkeys(TASKS, SimpleNamespace(sequences_of=lambda rows, whole: rows))
    settings = PARAMS.pretrain.model_copy(update=more)
    found = task_heads.objective(Vectors(), tables, TASKS, LABELS, settings, 1)  # type: ignore[arg-type]
    heads: Any = found.model.eval().get_submodule("heads")
    return found, {name: heads[name](X[ROWS[name]]) for name in TASKS}


def terms(objective: Objective) -> dict[str, float]:
    """What a step adds up."""
    return {name: term.item() for name, term in zip(ROWS, objective.weigh(objective.losses(ROWS)), strict=True)}


def test_a_guess_costs_one_in_every_task() -> None:
    assert tensors.chance_loss(TASKS["sst"], np.array([])) == math.log(5)
    assert tensors.chance_loss(TASKS["para"], np.array([])) == math.log(2)
    assert tensors.chance_loss(TASKS["sts"], np.array([0.0, 4.0])) == 4.0  # the variance: guessing 2 costs 4


def test_the_control_has_the_classes_of_the_prototypes() -> None:
    assert [tensors.as_classes(task).classes for task in TASKS.values()] == [5, 2, 6]


@pytest.mark.parametrize(
    ("objective", "guess"), [("tasks", (1, 1, 1)), ("muppet", (math.log(5), math.log(2), 2.54296875))]
)
def test_each_task_has_its_own_loss_and_muppet_divides_it_by_that_of_a_guess(
    objective: str, guess: tuple[float, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    found, outputs = built(monkeypatch, objective=objective)
    own = (tensors.task_loss(TASKS[n], outputs[n], torch.tensor(LABELS[n][r])).item() for n, r in ROWS.items())
    assert [*terms(found).values()] == pytest.approx([loss / by for loss, by in zip(own, guess, strict=True)])


def test_heads_of_values_begin_at_the_mean_if_they_are_to(monkeypatch: pytest.MonkeyPatch) -> None:
    for bias, mean in (("mean", True), ("zero", False)):
        found, _ = built(monkeypatch, objective="tasks", value_bias=bias)
        assert (found.model.get_parameter("heads.sts.linear.bias").item() == pytest.approx(2.8125)) is mean


def test_smoothness_is_added_with_its_weight_before_the_division(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_heads, "divergences", lambda *_: {name: torch.tensor(3.0) for name in ROWS})
    plain, smooth = (
        terms(
            built(
                monkeypatch,
                objective="muppet",
                smoothness=PARAMS.pretrain.smoothness.model_copy(update={"weight": weight}),
            )[0]
        )
        for weight in (0.0, 0.5)
    )
    assert smooth["sst"] - plain["sst"] == pytest.approx(1.5 / math.log(5))


SHARES = {  # of the classes of `sst` and `sts` among LABELS, by hand: 2.75 is one quarter 2 and three quarters 3
    "sst": [0.25, 0.25, 0.25, 0, 0.25],
    "para": [0.5, 0.5],
    "sts": [0.125, 0.125, 0.0625, 0.4375, 0, 0.25],
}


@pytest.mark.parametrize("prior", [False, True])
@pytest.mark.parametrize(("values", "own"), [("rounded", {3: 1.0}), ("between", {2: 0.25, 3: 0.75})])
def test_the_control_has_the_prior_and_the_scores_between_classes_of_prototypes(
    prior: bool, values: str, own: dict[int, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """-Σ y log p, with log π added to the logits. A class without a training row, π = 0, has no part in it."""
    found, outputs = built(monkeypatch, objective="softmax", prior=prior, values=values)
    targets = {"sst": [{4: 1.0}, {1: 1.0}], "para": [{1: 1.0}, {0: 1.0}], "sts": [{5: 1.0}, own]}
    slow = {}
    for name, given in outputs.items():
        weights = np.exp(given.detach().double().numpy()) * (SHARES[name] if prior else 1)
        log_p = np.log(weights / weights.sum(1, keepdims=True), where=weights > 0, out=np.zeros_like(weights))
        slow[name] = -np.mean(
            [sum(y * line[k] for k, y in row.items()) for row, line in zip(targets[name], log_p, strict=True)]
        )
    assert terms(found) == pytest.approx(slow, rel=1e-5)
