"""What a spreadsheet or a program writes otherwise than `prepare` reads it: the copy has it plainly, and it is said."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protomtl.own_data import blocks, files, guessing, together
from protomtl.own_data.columns import Column
from protomtl.own_data.fields import Table
from protomtl.own_data.spelling import respelled


def plain(*values: str, name: str = "label") -> tuple[list[str], list[str]]:
    """The values of a column afterwards, and what is said."""
    (table,), words = respelled([Table(Path("a.csv"), [name], [[value] for value in values], [*range(len(values))])])
    return [row[0] for row in table.rows], words


@pytest.mark.parametrize(
    ("values", "found", "said"),
    [
        (["4,5", "3", "-0,25", "NaN"], ["4.5", "3", "-0.25", "NaN"], "decimal commas become points"),
        (["1.234,5", "17,25"], ["1234.5", "17.25"], "decimal commas become points"),
        (["0,125", "0,250"], ["0.125", "0.250"], "decimal commas become points"),
        (["1,234.5", "17"], ["1234.5", "17"], "commas between thousands are left out"),
        (["1,234,567", "1,000"], ["1234567", "1000"], "commas between thousands are left out"),
        (["50%", "7 %"], ["50", "7"], "percent signs are left out"),
        (["50,5%", "7%"], ["50.5", "7"], "percent signs are left out"),
        (["['a', 'b c']", "[]", '["b c"]'], ["a; b c", "none", "b c"], "lists are written with semicolons"),
        (["['a' 'b']", "['b'\n 'c d']", "[]"], ["a; b", "b; c d", "none"], "lists are written with semicolons"),
        (["{'a', 'b'}", "('b',)", "set()"], ["a; b", "b", "none"], "lists are written with semicolons"),
        (["[0 2]", "[1]", "[]"], ["0; 2", "1", "none"], "lists are written with semicolons"),
        (["['R; D', 'b']", '["b", "c|d"]'], ["R/D; b", "b; c/d"], "lists are written with semicolons"),
        (["0; 1; 1", "0; 0; 0", "1; 0; 0"], ["1; 2", "none", "0"], "lists of 0 and 1 are written as the places of 1"),
        (["1.0; 0.0", "0.0; 1.0"], ["0", "1"], "lists of 0 and 1 are written as the places of 1"),
        (["a, b", "b", "a", "b, a", "a,b", "b", "a"], ["a; b", "b", "a", "b; a", "a; b", "b", "a"], "is a list"),
    ],
)
def test_numbers_and_lists_become_plain(values: list[str], found: list[str], said: str) -> None:
    rows, words = plain(*values)
    assert rows == found and said in words[0] and words[0].startswith("column label: ")


@pytest.mark.parametrize(
    "values",
    [
        ["4.5", "3"],
        ["1,234", "5,678"],  # one thousand in English, one in German
        ["No, thanks", "Yes, please"] * 9,
        ["Paris, France", "Lyon, France", "Rome, Italy"] * 9,
        ["50%", "half"],
        ["[a", "b]"],
        ["(a)", "(b)"],
        ["{'a': 1}", "{'b': 0}"],
        ["0; 1", "0; 1; 2"],
        ["0; 1", "1"],
        ["[__import__('os')]", "[1]"],
        ["Well, a film, and a good one of its kind", "Well, a play"] * 9,
        ["x", "y", ""],
    ],
)
def test_what_may_be_meant_as_it_stands_stays(values: list[str]) -> None:
    assert plain(*values) == (values, [])


@pytest.mark.parametrize(
    ("values", "ends"),
    [
        ([f"{k}%" for k in range(0, 101, 5)], [0, 100]),
        (["20 %", "80 %"], [0, 100]),
        (["05%", "10%"], [0, 100]),  # without the signs a code
        (["-20%", "140,5%"], [-20, 141]),
        (["0%", "0%", "1%", "1%", "2%", "2%", "-1%"], [-1, 100]),  # without the signs a row that has no class
    ],
)
def test_percentages_are_values_however_few_they_are(values: list[str], ends: list[int]) -> None:
    tables, _ = respelled([Table(Path("a.csv"), ["label"], [[value] for value in values], [*range(len(values))])])
    (column,) = files.labelled_columns(tables)
    assert blocks.kind_of(column) == {"kind": "regression", "range": ends, "metric": "pearson"}


def test_columns_of_0_and_1_per_cent_are_no_classes_of_one_task() -> None:
    rows = [[f"{k % 2}%", f"{k // 2 % 2}%", f"{k // 4 % 2}%"] for k in range(8)]
    tables, _ = respelled([Table(Path("a.csv"), ["a", "b", "c"], rows, [*range(8)])])
    assert together.joined(tables, [])[1] == []


def test_numbers_of_which_only_some_have_a_percent_sign_are_refused() -> None:
    column = Column("share", [f"{k}%" for k in range(5)] * 9 + ["0.5"])
    with pytest.raises(guessing.Guess, match=r"'share': '0%' has a percent sign and '0\.5' has none; write"):
        blocks.kind_of(column)


@pytest.mark.parametrize(
    ("train", "dev", "found"),
    [
        (["5%", "7%"], ["9%"], [["5", "7"], ["9"]]),
        (["['a', 'b']", "['b']"], ["['a']"], [["a; b", "b"], ["a"]]),
        (["0; 1", "1; 0"], ["1; 1"], [["1", "0"], ["0; 1"]]),
    ],
)
def test_labels_of_test_that_are_not_public_say_nothing_of_how_the_others_are_written(
    train: list[str], dev: list[str], found: list[list[str]]
) -> None:
    splits = {"train": train, "dev": dev, "test": ["-1", "-1"]}
    tables, _ = respelled(
        [Table(Path(f"{name}.csv"), ["label"], [[v] for v in own], [*range(len(own))]) for name, own in splits.items()]
    )
    assert [[row[0] for row in table.rows] for table in tables] == [*found, ["-1", "-1"]]


@given(st.lists(st.floats(-900, 900).map(lambda x: round(x, 2)), min_size=2))
def test_decimal_commas_lose_no_value(numbers: list[float]) -> None:
    rows, _ = plain(*(f"{x:.2f}".replace(".", ",") for x in numbers))
    assert [float(row) for row in rows] == numbers


def test_a_number_that_two_languages_read_otherwise_is_asked_about() -> None:
    column = Column("price", [f"{k},{k + 100}" for k in range(1, 90)])
    with pytest.raises(guessing.Guess, match="89 rows are no classes, and '1,101' is no number that all would read"):
        blocks.kind_of(column)


def test_ids_that_repeat_are_none() -> None:
    rows, words = respelled([Table(Path("a.csv"), ["id", "text"], [["7", "a"], ["7", "b"]], [2, 3])])
    assert rows[0].columns == ["id_column", "text"]
    assert words == ["column id: is id_column here, since its values repeat and so name no rows"]
    assert respelled([Table(Path("a.csv"), ["id"], [["7"], ["8"], [""], [""]], [2, 3, 4, 5])])[1] == []
