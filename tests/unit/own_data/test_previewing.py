"""What `init` says of the labels of a split: classes by their names, values by parts of their range."""

from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

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
