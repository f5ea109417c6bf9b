"""Calibration of predictions as they are written, with six digits, against that of the scores before."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from protomtl import calibration
from protomtl.core.paths import results
from protomtl.core.runs import Run
from protomtl.steps.evaluate.files import write_predictions
from protomtl.steps.report import calibrated
from protomtl.tasks.settings import Task

RUN = Run("a", 1)
FILES = {"train": "a", "dev": "b", "test": "c"}
CLASSES, ROWS = 3, 3000


def task_of(kind: str) -> Task:
    named: dict[str, Any] = {"classes": ["a", "b", "c"]} if kind != "binary" else {}
    return Task.model_validate({"kind": kind, "texts": ["t"], "label": "l", "files": FILES} | named)


def drawn(task: Task, spread: float, heat: float, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logits that are `heat` times as sure as they should be, their probabilities, and the labels of a table."""
    random = np.random.default_rng(seed)
    true = spread * random.normal(size=(ROWS, 2 if task.kind == "binary" else CLASSES))
    if task.what.one_class:
        labels = (true + random.gumbel(size=true.shape)).argmax(1).astype(float)
    else:
        labels = (random.random(true.shape) < 1 / (1 + np.exp(-true))) @ 2.0 ** np.arange(CLASSES)
    return heat * true, calibration.softened(heat * true, several=not task.what.one_class), labels


def written(task: Task, split: str, scores: np.ndarray, labels: np.ndarray) -> None:
    path = results("evaluate", *RUN) / split / "t.csv"
    path.parent.mkdir(parents=True)
    write_predictions(path, task, [*map(str, range(len(labels)))], labels, task.what.predictions(scores), scores, {})


@pytest.mark.parametrize(("spread", "heat"), [(4, 1.5), (2, 3.85)])
@pytest.mark.parametrize("kind", ["classification", "binary", "multilabel"])
def test_six_digits_move_the_temperature_by_a_tenth_at_most(
    kind: str, spread: float, heat: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of these scores up to a quarter are written as 0. The losses are within a twentieth of those of all digits."""
    monkeypatch.chdir(tmp_path)
    task = task_of(kind)
    (dev_z, dev_p, dev_y), (test_z, test_p, test_y) = (drawn(task, spread, heat, seed) for seed in (1, 2))
    written(task, "dev", dev_p, dev_y)
    written(task, "test", test_p, test_y)
    several = not task.what.one_class
    wanted = calibration.fit_temperature(dev_z, task.what.targets(task, dev_y))
    labels = task.what.targets(task, test_y)
    found = calibrated.measured(RUN, task, "t")
    assert found["T"] == pytest.approx(wanted, rel=0.1) and wanted == pytest.approx(heat, rel=0.1)
    assert found["NLL"] == pytest.approx(calibration.nll(test_p, labels), rel=0.05)
    cooled = calibration.softened(test_z, wanted, several)
    assert found["NLL, with T"] == pytest.approx(calibration.nll(cooled, labels), rel=0.05)
    assert found["ECE"] == pytest.approx(calibration.ece(test_p, labels), abs=1e-3)
    assert found["Brier"] == pytest.approx(calibration.brier(test_p, labels), abs=1e-5)


def test_a_class_that_is_0_in_all_rows_stays_impossible_and_has_no_say_in_the_temperature(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    task = task_of("classification")
    for seed, split in enumerate(("dev", "test")):
        logits, _, labels = drawn(task, 2, 1.5, seed)
        logits[labels == 2, 2], logits[:, 2] = 0, -np.inf
        written(task, split, calibration.softened(logits), labels)
    found = calibrated.measured(RUN, task, "t")
    assert found["NLL"] == found["NLL, with T"] == np.inf
    assert found["T"] == pytest.approx(1.5, rel=0.1)


def test_scores_with_all_their_digits_stay_as_they_are() -> None:
    table = pd.DataFrame({"label": [0.0, 1.0], "score_0": [1e-9, 0.5], "score_1": [1 - 1e-9, 0.5]})
    found = calibrated.scored(table, task_of("binary"), "label")
    assert found is not None and found.scores[0, 0] == pytest.approx(1e-9)
