"""One label in two columns, a number and a name, is one task."""

from pathlib import Path

import pytest

from protomtl.own_data.fields import Table
from protomtl.own_data.proposing import Asked, Blocks, proposed

MOODS = ["very bad", "bad", "good"]


def tasks(rows: list[tuple[str, str]], labels: tuple[str, ...] = (), test: tuple[str, str] | None = None) -> Blocks:
    columns = ["text", "label", "label_text"]
    files = {"train": rows * 20, "test": [test] * 5 if test else []}
    tables = [
        Table(Path(f"{split}.csv"), columns, [[f"{split} text number {i}", *row] for i, row in enumerate(own)], [])
        for split, own in files.items()
    ]
    return proposed(tables, [], Asked((), labels, "", "mood"), [])


def test_the_names_have_the_order_of_their_numbers() -> None:
    """By the alphabet bad came before very bad, and the task was there twice."""
    found = tasks([("0", "very bad"), ("2", "good"), ("1", "bad")])
    assert {name: (block["label"], block["classes"]) for name, block in found.items()} == {
        "mood": ("label_text", MOODS)
    }


def test_both_are_tasks_if_asked_for() -> None:
    rows = [(str(k), name) for k, name in enumerate(MOODS)]
    assert [block["label"] for block in tasks(rows, ("label", "label_text")).values()] == ["label", "label_text"]


@pytest.mark.parametrize(
    ("rows", "test"),
    [
        ([("0", "bad"), ("1", "good"), ("1", "bad")], None),  # no name for each number
        ([("0.5", "bad"), ("1", "good"), ("2", "very good")], None),  # values
        ([("0", "bad"), ("1", "good")], ("-1", "unlabeled")),  # whose name would be a class
    ],
)
def test_others_stay_two(rows: list[tuple[str, str]], test: tuple[str, str] | None) -> None:
    assert [block["label"] for block in tasks(rows, test=test).values()] == ["label", "label_text"]
