"""What is written beside a copy's figure."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from protomtl.steps.export import copies
from protomtl.steps.export.copies import with_interval
from protomtl.tasks.settings import Task

ALIKE = {"kind": "regression", "range": [0, 5], "texts": ["a", "b"], "label": "y"}


def test_a_figure_without_an_interval_or_without_a_value_stands_alone() -> None:
    """As `null` twice it would be an interval that no reader of the record expects."""
    varied = np.linspace(0, 1, 2001)[:, None, None]
    assert with_interval(0.5, varied) == pytest.approx([0.5, 0.025, 0.975])
    assert with_interval(1.0, np.ones_like(varied)) == [1.0]
    assert with_interval(np.nan, np.full_like(varied, np.nan)) == [None]


def test_a_value_is_judged_as_predict_gives_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within its range: who measures a copy by `predict` finds the figure of its card."""
    task = Task.model_validate(ALIKE | {"files": {"train": "a", "dev": "b", "test": "c"}})
    rows = pd.DataFrame({"id": ["1", "2", "3"], "text_a": "a", "text_b": "b", "label": [5.0, 0.0, 3.0]})
    monkeypatch.setattr(copies, "prepared", lambda name, split: rows)
    network = SimpleNamespace(outputs=lambda name, texts: np.array([[9.0], [-1.0], [3.0]]))
    assert copies.answers(network, "alike", task, "dev").to_numpy()[:, 0].tolist() == [5, 0, 3]
