"""Labels of a user's file: what numbers stand for is said, where they could stand for another class."""

from pathlib import Path
from typing import Any

import pytest

from protomtl.inference.labelled_rows import labelled_rows
from protomtl.inference.lines import BadInput
from protomtl.tasks.settings import Task

FILES = {"train": "a", "dev": "b", "test": "c"}
FIVE = ["very negative", "negative", "neutral", "positive", "very positive"]


def task_of(**what: Any) -> Task:
    return Task.model_validate({"texts": ["t"], "label": "y", "files": FILES} | what)


NAMED = task_of(kind="classification", classes=FIVE)
TOLD = "column 'y': numbers count from 0, so 0 is very negative and 4 is very positive"


def rows_of(folder: Path, task: Task, *labels: str) -> tuple[list[float], str]:
    """Their labels, and what is told."""
    path = folder / "own.csv"
    path.write_text("t,y\n" + "".join(f"a text,{label}\n" for label in labels))
    found, told = labelled_rows(str(path), task, None, None)
    return [row.label for row in found], told


def test_numbers_that_stand_for_places_are_told(tmp_path: Path) -> None:
    assert rows_of(tmp_path, NAMED, "1", "4", "2.0") == ([1, 4, 2], TOLD)


@pytest.mark.parametrize(
    ("task", "labels"),
    [
        (NAMED, ["Positive", "NEGATIVE"]),
        (task_of(kind="classification", classes=3), ["0", "2"]),
        (task_of(kind="classification", classes=["1", "2", "3"]), ["1", "3"]),
        (task_of(kind="binary"), ["0", "1"]),
        (task_of(kind="regression", range=[0, 5]), ["0", "4.5"]),
    ],
)
def test_of_others_there_is_nothing_to_say(task: Task, labels: list[str], tmp_path: Path) -> None:
    assert rows_of(tmp_path, task, *labels)[1] == ""


def test_it_is_told_where_labels_were_looked_for(tmp_path: Path) -> None:
    told = "none in column 'y'; --label names another"
    assert rows_of(tmp_path, NAMED, "", "-1", " -1 ")[1] == told
    (path := tmp_path / "stars.csv").write_text("t,stars\na text,5\n")
    found, said = labelled_rows(str(path), NAMED, None, None)
    assert said == told and found[0].label != found[0].label


def test_where_a_row_may_have_no_class_an_empty_label_says_so(tmp_path: Path) -> None:
    """As the pipeline reads it; but a file of nothing else has no labels there, too."""
    several = task_of(kind="multilabel", classes=["red", "blue"])
    assert rows_of(tmp_path, several, "red", "", "red; blue", "none") == ([1, 0, 3, 0], "")
    assert rows_of(tmp_path, several, "", "")[1] == "none in column 'y'; --label names another"
    with pytest.raises(BadInput, match=r"own.csv:3: column 'y' has no label, as other rows have"):
        rows_of(tmp_path, several, "red", "-1")


def test_a_number_beyond_the_classes_is_told_how_numbers_count(tmp_path: Path) -> None:
    """Stars from 1 to 5, say."""
    with pytest.raises(BadInput, match=r"own.csv:3: column 'y': '5' is not among .*; numbers count from 0, so 0 is"):
        rows_of(tmp_path, NAMED, "1", "5")
