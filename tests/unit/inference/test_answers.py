"""What outputs of a head mean for people, by hand."""

import math
from typing import Any

import numpy as np
import pytest

from protomtl.inference import answers
from protomtl.tasks.settings import Task

FILES = {"train": "a", "dev": "b", "test": "c"}


def task(kind: str, **more: Any) -> Task:
    return Task.model_validate({"kind": kind, "texts": ["t"], "label": "l", "files": FILES, **more})


def test_values_stay_as_they_are_and_answers_lie_within_their_range() -> None:
    graded, outputs = task("regression", range=[1, 5]), np.array([[0.5], [3.25], [5.5]])
    assert answers.scores(graded, outputs, 2.0) is outputs
    assert answers.labels(graded, outputs).tolist() == [1, 3.25, 5]


def test_classes_are_likely_at_the_temperature_and_named() -> None:
    """Logit log 9 at T = 2 is log 3: three to one."""
    said = answers.scores(task("binary"), np.array([[math.log(9)], [-math.log(9)]]), 2.0)
    assert said == pytest.approx(np.array([[0.25, 0.75], [0.75, 0.25]])) and said.dtype == np.float32
    assert answers.labels(task("binary", classes=["ham", "spam"]), said).tolist() == ["spam", "ham"]
    moods = task("classification", classes=["bad", "so", "good"])
    likely = answers.scores(moods, np.log([[1.0, 9, 4]]), 2.0)
    assert likely == pytest.approx(np.array([[1, 3, 2]]) / 6) and answers.labels(moods, likely).tolist() == ["so"]


def test_several_classes_are_a_tuple_each_and_what_is_novel_has_another_name() -> None:
    said = answers.labels(task("multilabel", classes=["a", "b"]), np.array([[0.9, 0.6], [0.4, 0.5], [0.1, 0.8]]))
    assert said.tolist() == [("a", "b"), (), ("b",)]
    assert answers.with_unknown(said, np.array([False, True, False]), "none").tolist() == [("a", "b"), "none", ("b",)]
