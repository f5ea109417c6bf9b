"""The figure by which an epoch is chosen, of scores that are given here."""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from protomtl.model.sequences import TokenTable
from protomtl.steps.finetune.validation import validation
from protomtl.tasks.settings import Task

FILES = {"train": "a", "dev": "b", "test": "c"}
SCORED = {"kind": "regression", "range": [0, 5], "texts": ["t"], "label": "l", "files": FILES}
TASKS = {
    "sst": Task.model_validate({"kind": "binary", "texts": ["t"], "label": "l", "files": FILES}),
    "price": Task.model_validate(SCORED | {"metric": "rmse"}),  # `overall` leaves it out
}


class Dev:
    """Dev rows of a task: labels alone."""

    labels = np.array([0.0, 1.0, 1.0])

    def __len__(self) -> int:
        return len(self.labels)


def validated(monkeypatch: pytest.MonkeyPatch, values: list[float]) -> dict[str, float]:
    """The dev figures where `sst` is right throughout, and `price` has these values."""
    scores = {"sst": np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]]), "price": np.array(values)[:, None]}
    model: Any = SimpleNamespace(embedder=lambda table: None, scores=lambda name, *_: scores[name])
    monkeypatch.setattr(TokenTable, "open", lambda *_: Dev())
    return validation(model, TASKS)()


def test_overall_leaves_out_a_task_of_which_less_is_better(monkeypatch: pytest.MonkeyPatch) -> None:
    found = validated(monkeypatch, [0.0, 1.0, 4.0])
    assert found["overall"] == found["sst"] == 1 and found["price"] == pytest.approx(math.sqrt(3))


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_an_epoch_whose_scores_are_not_finite_is_never_the_best(value: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even where the task does not count in `overall`."""
    found = validated(monkeypatch, [0.0, value, 4.0])
    assert found == {"overall": -math.inf, "sst": 1.0, "price": -math.inf}
