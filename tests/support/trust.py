"""What must hold of an export's temperatures and thresholds; beside it lie the rows of its project."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from protomtl import Model, calibration, novelty
from protomtl.calibration import softened


def split_of(folder: Path, task: str, split: str) -> tuple[list[Any], np.ndarray]:
    """Rows as they are fed, and their labels."""
    table = pd.read_parquet(folder.parent / f"data/prepared/{task}/{split}.parquet")
    pairs = "text_b" in table and task != "sst"
    return [*zip(table.text_a, table.text_b, strict=True)] if pairs else [*table.text_a], table.label.to_numpy(float)


def check_temperature(model: Model, folder: Path, task: str) -> None:
    """It is the likeliest on dev, and judged on test. All rows of the tiny splits are used."""
    found = model.trust[task]
    logits, labels = logits_of(model, folder, task, "dev")
    best = calibration.nll(softened(logits, found.temperature), labels)
    grid = np.geomspace(calibration.COLDEST, calibration.HOTTEST, 300)
    assert all(best <= calibration.nll(softened(logits, t), labels) + 1e-6 for t in grid)
    logits, labels = logits_of(model, folder, task, "test")
    assert found.judged == "test" and found.rows == len(logits)
    for t, nll, ece in zip((1, found.temperature), found.nll or (), found.ece or (), strict=True):
        held_for_impossible = nll is None  # a label of which the copy saw no training row
        expected = np.inf if held_for_impossible else nll
        assert calibration.nll(softened(logits, t), labels) == pytest.approx(expected, abs=1e-4), (nll, ece)
        assert calibration.ece(softened(logits, t), labels) == pytest.approx(ece, abs=1e-3)
        shown = model.predict_proba(task, split_of(folder, task, "test")[0], calibrated=t != 1)
        np.testing.assert_allclose(shown, softened(logits, t), atol=1e-6)


def logits_of(model: Model, folder: Path, task: str, split: str) -> tuple[np.ndarray, np.ndarray]:
    """[n, classes], and the labels [n]."""
    rows, labels = split_of(folder, task, split)
    return model.network.tasks[task].what.class_logits(model.network.outputs(task, rows)), labels


def check_threshold(model: Model, folder: Path, task: str) -> None:
    """Of dev rows at most one in twenty is taken for strange, and not none of many."""
    rows, _ = split_of(folder, task, "dev")
    share = (model.novelty(task, rows) > 1e-6).mean()
    assert share <= 1 - novelty.KEPT and (share > 0 or len(rows) < 20 / (1 - novelty.KEPT))
