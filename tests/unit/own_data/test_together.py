"""Columns of 0 and 1 side by side are one task; the column that stands for them says row by row what they said."""

import shlex
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protomtl.own_data.fields import Table
from protomtl.own_data.guessing import Guess
from protomtl.own_data.proposing import Asked, proposed
from protomtl.own_data.together import joined
from protomtl.tasks.settings import Task

TOXIC = {"toxic": "110100", "obscene": "010001", "insult": "010100"}
FILES = {"train": "train.csv", "dev": "dev.csv", "test": "test.csv"}


def table(columns: dict[str, str | list[str]], name: str = "comments.csv") -> Table:
    """Ten times the values of each column, beside texts of their own."""
    values = {name: [*own] * 10 for name, own in columns.items()}
    rows = [list(row) for row in zip(*values.values(), strict=True)]
    rows = [[f"comment number {i} of many", *row] for i, row in enumerate(rows)]
    return Table(Path(name), ["text", *values], rows, [*range(2, len(rows) + 2)])


def tasks(*tables: Table, label: tuple[str, ...] = ()) -> tuple[list[Table], dict[str, dict[str, Any]], list[str]]:
    """The tables that are written, the blocks, and what is said."""
    found, joint, aside = joined(tables, label)
    blocks = proposed(found, joint, Asked((), label, "", "comments"), [])
    return found, blocks, [*(task.said for task in joint), *aside]


def test_columns_side_by_side_are_one_task_of_several_labels() -> None:
    (found,), blocks, said = tasks(table(TOXIC))
    kind = {"kind": "multilabel", "classes": ["toxic", "obscene", "insult"], "metric": "macro_f1"}
    assert blocks == {"comments": {**kind, "texts": ["text"], "label": "labels", "files": FILES}}
    wanted = ["toxic", "toxic; obscene; insult", "none", "toxic; insult", "none", "obscene"]
    assert [row[-1] for row in found.rows[:6]] == wanted and found.columns == ["text", *TOXIC, "labels"]
    assert said == [
        "column labels: is written, those of toxic, obscene, insult that are 1; "
        "for a task of each: --label toxic obscene insult"
    ]


@given(st.lists(st.lists(st.booleans(), min_size=4, max_size=4), min_size=1, max_size=20))
def test_what_is_written_is_read_as_what_was_there(marks: list[list[bool]]) -> None:
    """Three rows more make each column vary, and no row one-hot alone."""
    marks = [[False] * 4, [True] * 4, [True, True, False, False], *marks]
    rows = [["a text of four words", *map(str, row)] for row in marks]
    (found,), blocks, _ = tasks(Table(Path("a.csv"), ["text", "a b", "2", "none", "D"], rows, [*range(len(rows))]))
    task = Task.model_validate(blocks["comments"])
    labels = [task.what.read(task, row[-1]) for row in found.rows]
    assert task.class_names == ("a b", "2", "D")  # `none` is no class of a row: none of the others is there
    assert labels == [float(a + 2 * b + 4 * d) for a, b, _, d in marks]


@pytest.mark.parametrize(
    ("columns", "kind"),
    [
        ({"up": "100", "as is": "010", "down": "001"}, {"kind": "classification", "classes": ["up", "as is", "down"]}),
        ({"bad": "1001", "good": "0110"}, {"kind": "binary", "classes": ["bad", "good"]}),
    ],
)
def test_columns_of_which_each_row_has_one_are_a_classification(columns: Any, kind: dict[str, Any]) -> None:
    (found,), blocks, said = tasks(table(columns))
    assert blocks["comments"] == {**kind, "metric": "accuracy", "texts": ["text"], "label": "label", "files": FILES}
    names = [*columns]
    assert [row[-1] for row in found.rows] == [names[row[1:-1].index("1")] for row in found.rows]
    assert f"the one of {', '.join(names)} that is 1; for a task of each: --label {shlex.join(names)}" in said[0]


@pytest.mark.parametrize(
    "values", [{"a": ["true", "False"], "b": ["no", "yes"], "c": "01"}, {"label": "01", "verified": "10", "new": "11"}]
)
def test_one_column_alone_stays_as_it_is(values: Any) -> None:
    """Columns that are written in other ways are not one; `label` is the label, beside what is said of the author."""
    given = table(values)
    (found,), _, said = tasks(given)
    assert found == given and said == []


def test_two_columns_are_two_questions_unless_it_is_said() -> None:
    two = table({"is_duplicate": "0110", "is_test": "0010"})
    _, blocks, said = tasks(two)
    assert [block["label"] for block in blocks.values()] == ["is_duplicate", "is_test"]
    assert said == [
        "Columns is_duplicate, is_test may be two questions and are not taken together; "
        "--label is_duplicate,is_test makes them one task"
    ]
    _, blocks, said = tasks(two, label=("is_duplicate,is_test",))
    assert blocks["comments"]["classes"] == ["is_duplicate", "is_test"] and len(said) == 1


def test_labels_that_are_asked_for_are_taken_as_they_are() -> None:
    (found,), blocks, said = tasks(table(TOXIC), label=("toxic", "insult"))
    assert [*blocks] == ["toxic", "insult"] and "labels" not in found.columns and said == []
    _, blocks, _ = tasks(table(TOXIC | {"grade": "123123"}), label=("toxic,insult", "grade"))
    assert {name: block["kind"] for name, block in blocks.items()} == {
        "comments": "multilabel",
        "grade": "classification",
    }


@pytest.mark.parametrize("name", ["sentiment", "stars"])
def test_where_another_column_is_the_label_by_its_name_flags_are_none(name: str) -> None:
    flags = {"verified": "110100", "photo": "010001", "late": "010100"}
    _, blocks, _ = tasks(table({name: "abcabc", **flags}))
    assert [block["label"] for block in blocks.values()] == [name]
    _, blocks, _ = tasks(table({name: "abcabc", **TOXIC}))  # but these are by their own names
    assert [block["label"] for block in blocks.values()] == ["labels", name]


def test_a_column_that_is_the_same_in_all_rows_is_no_class_and_does_not_stand_between() -> None:
    _, blocks, _ = tasks(table({"toxic": "110100", "threat": "000000", **{k: TOXIC[k] for k in ("obscene", "insult")}}))
    assert blocks["comments"]["classes"] == ["toxic", "obscene", "insult"]


def test_rows_that_do_not_say_all_have_no_label() -> None:
    """In training they are refused, and a test split of nothing else is one without labels."""
    train = table(TOXIC, "train.csv")
    train.rows[1][2], train.rows[2][1] = "", "NaN"
    hidden = table({name: ["-1"] for name in TOXIC}, "test.csv")
    bare = Table(Path("test.csv"), ["text"], [["a comment of five words"]], [2])
    (found, last), blocks, _ = tasks(train, hidden)
    task = Task.model_validate(blocks["comments"])
    assert [task.what.read(task, row[-1]) for row in found.rows[:4]] == [1.0, None, None, 5.0]
    assert {row[-1] for row in last.rows} == {"-1"}
    assert tasks(train, bare)[0][1] == bare


@pytest.mark.parametrize(
    ("other", "label", "message"),
    [
        ("dev.csv", (), "dev.csv: no column 'obscene'; it has 'text', 'toxic'"),
        ("test.csv", (), "test.csv: no column 'obscene'; it has 'text', 'toxic'"),
        (None, ("toxic,grade",), "column 'grade': only columns of 0 and 1, or of no and yes, are classes of one task"),
        (None, ("toxic,threat",), "--label: of columns that are one task two or more must have rows with 0 and rows"),
    ],
)
def test_what_cannot_be_joined_is_said(other: str | None, label: tuple[str, ...], message: str) -> None:
    tables = [table(TOXIC | {"grade": "123123", "threat": "000000"}, "train.csv")]
    with pytest.raises(Guess, match=message):
        tasks(*tables, *([table({"toxic": "10"}, other)] if other else []), label=label)


def test_more_columns_than_a_task_has_room_for_are_told_with_ways_out() -> None:
    marks = {f"tag{number}": "1010" if number % 2 else "0110" for number in range(54)}
    ways = r"at most 53 classes; name those that matter, as in `--label tag0,tag1,tag2`, or a task of each by `--label"
    with pytest.raises(Guess, match=r"54 columns of 0 and 1 side by side, tag0, .*" + ways + " tag0 tag1`"):
        tasks(table(marks))
    assert tasks(table(marks), label=("tag0,tag1,tag2",))[1]["comments"]["classes"] == ["tag0", "tag1", "tag2"]
    del marks["tag0"]
    assert len(tasks(table(marks))[1]["comments"]["classes"]) == 53
