"""What `init` says of the labels of a split: classes by their names, values by parts of their range."""

from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from protomtl.data.readers import Row
from protomtl.data.split_profile import in_parts
from protomtl.own_data import previewing
from protomtl.tasks.settings import Task

FILES = {split: f"{split}.csv" for split in ("train", "dev", "test")}


def task(**block: Any) -> Task:
    return Task.model_validate({"texts": ["text"], "label": "label", "files": FILES, **block})


@pytest.mark.parametrize(
    ("bounds", "values", "said"),
    [
        ((0, 5), [0, 0.9, 1, 4.2, 5], "0 to 1: 2, 1 to 2: 1, 2 to 3: 0, 3 to 4: 0, 4 to 5: 2"),
        ((0, 1), [0.1, 0.2, 0.6, 1], "0 to 0.2: 1, 0.2 to 0.4: 1, 0.4 to 0.6: 0, 0.6 to 0.8: 1, 0.8 to 1: 1"),
        ((-1, 1), [-1, -0.5, 0, 1], "-1 to -0.5: 1, -0.5 to 0: 1, 0 to 0.5: 1, 0.5 to 1: 1"),
        ((17, 80), [17, 20, 80], "17 to 20: 1, 20 to 40: 1, 40 to 60: 0, 60 to 80: 1"),
        ((0, 100), [], "no labels"),
    ],
)
def test_values_are_counted_in_parts_between_round_numbers(
    bounds: tuple[float, float], values: list[float], said: str
) -> None:
    assert previewing.counted(task(kind="regression", range=bounds), values) == said


@given(st.floats(-900, 900), st.floats(1e-3, 900), st.lists(st.floats(0, 1), min_size=1))
def test_every_value_is_in_one_of_a_few_parts(smallest: float, width: float, places: list[float]) -> None:
    values = np.clip([smallest + place * width for place in places], smallest, smallest + width).tolist()
    parts = in_parts(values, smallest, smallest + width)
    assert 2 <= len(parts) <= 7 and sum(parts.values()) == len(values)


def test_classes_are_counted_by_their_names() -> None:
    moods = task(kind="classification", classes=["bad", "good"])
    assert previewing.counted(moods, [1.0, 0.0, 1.0]) == "bad: 1, good: 2"
    many = task(kind="classification", classes=[f"a long name of class {k}" for k in range(30)])
    assert previewing.counted(many, [float(k) for k in range(30)]) == "30 different labels"


def test_a_class_without_a_training_row_is_said_and_a_long_line_is_cut() -> None:
    """A test split may bring a class of its own, and then no method can be right there."""
    moods = task(kind="classification", classes=["bad", "fair", "good", *(f"c{k}" for k in range(400))])
    rows = [Row(str(k), ("a film",), float(k)) for k in (0, 2)]
    said = previewing.shown(moods, rows, "train", 128)
    assert "  no row here has fair, c0, c1," in said[3] and len(said[3]) < 600 and "…" in said[3]
    assert not any("no row here" in line for line in previewing.shown(moods, rows, "test", 128))
    scores = task(kind="regression", range=(0, 5))
    assert not any("no row here" in line for line in previewing.shown(scores, rows, "train", 128))
