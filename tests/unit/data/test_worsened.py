"""Training rows made worse: so many, so wrong, so rare; the same again; and nothing else changes."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from protomtl.core.settings import Worsened
from protomtl.data.readers import Row
from protomtl.data.worsened import worsened
from protomtl.tasks.settings import Task
from tests.support.params import UNTOUCHED

FILES = {"train": "a", "dev": "b", "test": "c"}
TASKS = {
    "stars": Task.model_validate(
        {"kind": "classification", "classes": 5, "ordered": True, "texts": ["t"], "label": "y", "files": FILES}
    ),
    "same": Task.model_validate({"kind": "binary", "texts": ["a", "b"], "label": "y", "files": FILES}),
    "alike": Task.model_validate(
        {"kind": "regression", "range": [0, 5], "texts": ["a", "b"], "label": "y", "files": FILES}
    ),
    "share": Task.model_validate({"kind": "regression", "range": [0, 1], "texts": ["t"], "label": "y", "files": FILES}),
    "tags": Task.model_validate({"kind": "multilabel", "classes": 3, "texts": ["t"], "label": "y", "files": FILES}),
}
TOPIC = Task.model_validate({"kind": "classification", "classes": 3, "texts": ["t"], "label": "y", "files": FILES})


def settings(**changes: Any) -> Worsened:
    return Worsened.model_validate(UNTOUCHED | changes)


def rows_of(task: Task, size: int) -> list[Row]:
    low, high = task.bounds
    values = [low + (high - low) * (k % 7) / 6 for k in range(size)]
    return [Row(f"r{k}", ("text",), float(round(v) if task.what.has_classes else v)) for k, v in enumerate(values)]


sizes, shares, names = st.integers(1, 80), st.floats(0, 0.9), st.sampled_from([*TASKS])


def test_it_is_off_as_params_yaml_has_it() -> None:
    assert not settings().active and settings(rows=1).active and settings(imbalance=2).active


@given(names, sizes, st.integers(1, 80), shares, st.sampled_from(["any", "next"]))
def test_so_many_rows_and_so_many_wrong_labels(name: str, size: int, most: int, share: float, to: str) -> None:
    task, chosen = TASKS[name], settings(rows=most, wrong_labels=share, to=to)
    rows = rows_of(task, size)
    found, done = worsened(name, task, rows, chosen)
    before = {row.id: row for row in rows}
    low, high = task.bounds
    assert len(found) == done["rows"] == min(most, size) and done["of"] == size
    assert [row.id for row in found] == [row.id for row in rows if row.id in {f.id for f in found}]
    wrong = [row for row in found if row.label != before[row.id].label]
    assert len(wrong) == done["wrong_labels"] == round(share * len(found))
    for row in found:
        assert row.texts == before[row.id].texts and row.label is not None and low <= row.label <= high
    for row in wrong if to == "next" and task.kind != "multilabel" else ():  # no class lies between two
        step = 1 if task.what.has_classes else min(1, (high - low) / 2)
        assert abs((row.label or 0) - (before[row.id].label or 0)) == pytest.approx(step)
    for row in wrong if task.kind == "multilabel" else ():  # one class more or less
        assert (int(row.label or 0) ^ int(before[row.id].label or 0)).bit_count() == 1
    assert worsened(name, task, rows, chosen) == (found, done)


@given(st.floats(-10, 10), st.floats(1e-6, 3), st.floats(0, 1), st.sampled_from(["any", "next"]))
@example(0, 1e-4, 0, "any")  # three digits are 0 throughout
@example(1.04384, 1e-3, 0.5, "any")  # and 1.045, which is outside
@example(1.1405424659790655, 1e-4, 0.5, "next")  # a step from the middle is beyond both ends, by rounding
def test_a_value_of_a_narrow_range_becomes_another_one_within_it(low: float, width: float, at: float, to: str) -> None:
    high = low + width
    label = min(high, low + at * width)
    task = Task.model_validate(
        {"kind": "regression", "range": [low, high], "texts": ["t"], "label": "y", "files": FILES}
    )
    rows = [Row(f"r{k}", ("t",), label) for k in range(20)]
    found, done = worsened("narrow", task, rows, settings(wrong_labels=0.9, to=to))
    assert sum(row.label != label for row in found) == done["wrong_labels"] == 18
    assert all(low <= (row.label or 0) <= high for row in found)


@given(names, sizes)
def test_fewer_are_among_more(name: str, size: int) -> None:
    rows = rows_of(TASKS[name], size)
    few, many = (worsened(name, TASKS[name], rows, settings(rows=n))[0] for n in (8, 32))
    assert {row.id for row in few} <= {row.id for row in many}
    little, much = (worsened(name, TASKS[name], rows, settings(wrong_labels=share))[0] for share in (0.2, 0.4))
    assert all(a.label == b.label or a.label == row.label for a, b, row in zip(little, much, rows, strict=True))


@pytest.mark.parametrize("name", ["stars", "alike"])
@pytest.mark.parametrize("ratio", [2, 10, 50])
def test_the_most_frequent_class_has_so_many_rows_for_one_of_the_rarest(name: str, ratio: int) -> None:
    rows = [Row(f"r{k}", ("t",), float(k % 5)) for k in range(5 * 500)]
    counts = Counter(row.label for row in worsened(name, TASKS[name], rows, settings(imbalance=ratio))[0])
    assert counts[0] == 500 and counts[4] == round(500 / ratio)
    assert counts[2] == pytest.approx(500 / ratio**0.5, abs=1)  # the geometric middle


@pytest.mark.parametrize("name", ["stars", "same", "alike"])
@pytest.mark.parametrize("ratio", [10, 50])
def test_of_rare_classes_a_fair_share_is_drawn_and_made_wrong(name: str, ratio: int) -> None:
    """The first rows of all have as many of each class: they are no sample of what is left."""
    low, high = TASKS[name].bounds
    rows = [Row(f"r{k}", ("t",), low + k % (high - low + 1)) for k in range(6000)]
    label = {row.id: row.label for row in rows}
    whole = worsened(name, TASKS[name], rows, settings(imbalance=ratio))[0]
    drawn = worsened(name, TASKS[name], rows, settings(imbalance=ratio, rows=len(whole) // 2))[0]
    wrong = worsened(name, TASKS[name], rows, settings(imbalance=ratio, wrong_labels=0.5))[0]
    assert {row.id for row in drawn} < {row.id for row in whole} == {row.id for row in wrong}
    sizes = Counter(row.label for row in whole)
    for found in (drawn, [row for row in wrong if row.label != label[row.id]]):
        counts = Counter(label[row.id] for row in found)
        for value, size in sizes.items():  # each row by the throw of a coin: four deviations
            assert abs(counts[value] - size / 2) < 2 * size**0.5


@given(names, sizes, st.integers(1, 80), shares, st.integers(1, 60), st.integers(1, 5))
def test_all_together(name: str, size: int, most: int, share: float, ratio: int, seed: int) -> None:
    task, rows = TASKS[name], rows_of(TASKS[name], size)
    label = {row.id: row.label for row in rows}
    whole = worsened(name, task, rows, settings(imbalance=ratio, seed=seed))[0]
    found, done = worsened(name, task, rows, settings(rows=most, wrong_labels=share, imbalance=ratio, seed=seed))
    assert {row.id for row in found} <= {row.id for row in whole} and len(found) == min(most, len(whole))
    wrong = sum(row.label != label[row.id] for row in found)
    assert wrong == done["wrong_labels"] == round(share * len(found))


def test_what_is_rare_already_stays() -> None:
    rows = [Row(f"r{k}", ("t",), 1.0 if k == 3 else 0.0) for k in range(40)]
    assert worsened("same", TASKS["same"], rows, settings(imbalance=10))[0] == rows


def test_classes_without_an_order_have_no_next_one() -> None:
    with pytest.raises(SystemExit, match=r"worsened.to: next: the classes of tasks.topic have no order; write any"):
        worsened("topic", TOPIC, rows_of(TOPIC, 5), settings(wrong_labels=0.2, to="next"))
    assert worsened("topic", TOPIC, rows_of(TOPIC, 5), settings(wrong_labels=0.4))[1]["wrong_labels"] == 2
