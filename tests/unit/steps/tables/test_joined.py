"""Rows that are put together of methods that train a task each: their figures, also where one is not defined."""

import math
from typing import Any

import pytest

from protomtl.steps.tables.joined import figures
from protomtl.tasks.settings import Task

FILES = {"train": "a", "dev": "b", "test": "c"}
SST = Task.model_validate({"kind": "binary", "texts": ["t"], "label": "l", "files": FILES})
STS = Task.model_validate({"kind": "regression", "range": [0, 5], "texts": ["a", "b"], "label": "l", "files": FILES})
TASKS = {"sst": SST, "sts": STS}


def test_overall_is_the_mean_of_both_by_hand() -> None:
    found = figures([{"dev": {"sst": 0.5}}, {"dev": {"sts": 0.25, "sts_spearman": 0.3}}], TASKS)["dev"]
    assert found["overall"] == 0.375 and found["sts_spearman"] == 0.3
    assert found["overall_rescaled"] == pytest.approx((0.5 + (0.25 + 1) / 2) / 2)


def test_a_figure_that_is_not_defined_leaves_overall_undefined() -> None:
    """metrics.json has null for a correlation of equal predictions."""
    parts: list[Any] = [{"test": {"sst": 0.5}}, {"test": {"sts": None}}]
    found = figures(parts, TASKS)["test"]
    assert math.isnan(found["overall"]) and math.isnan(found["overall_rescaled"])


def test_without_labels_of_a_task_there_is_no_overall() -> None:
    assert "overall" not in figures([{"test": {"sst": 0.5}}, {"test": {}}], TASKS)["test"]
