"""Splits of a user's files: what is given stays, what is missing is drawn, and all of it is written down."""

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from protomtl.data.readers import Row
from protomtl.own_data import files
from protomtl.own_data.fields import Table
from protomtl.own_data.guessing import Guess
from protomtl.tasks.settings import Files, Task

TASK = Task(
    kind="binary",
    texts=["text"],
    label="label",
    files=Files(train="train.csv", dev="dev.csv", test="test.csv"),
)


def table(name: str, rows: int, columns: tuple[str, ...] = ("text", "label"), **fixed: str) -> Table:
    own = [[fixed.get(c, f"{name} {i}" if c == "text" else str(i % 2)) for c in columns] for i in range(rows)]
    return Table(Path(name), [*columns], own, [*range(2, rows + 2)])


def split(tables: list[Table], seed: int = 1) -> dict[str, files.Places]:
    return files.drawn_splits(tables, files.given_splits(tables), ["text"], "label", seed)


def sizes(splits: dict[str, files.Places]) -> dict[str, int]:
    return {name: len(places) for name, places in splits.items()}


def test_one_file_is_split_80_10_10() -> None:
    found = split([table("all.csv", 200)])
    assert sizes(found) == {"train": 160, "dev": 20, "test": 20}
    assert sorted(place for places in found.values() for place in places) == [(0, row) for row in range(200)]
    assert split([table("all.csv", 200)]) == found != split([table("all.csv", 200)], seed=2)


def test_given_splits_stay_and_the_missing_one_is_drawn_from_training() -> None:
    tables = [table("train.csv", 100), table("test.csv", 7)]
    found = split(tables)
    assert sizes(found) == {"train": 90, "dev": 10, "test": 7} and [*found] == ["train", "dev", "test"]
    assert found["test"] == [(1, row) for row in range(7)] and {n for n, _ in found["dev"]} == {0}
    three = [table("train.csv", 12), table("dev.csv", 4), table("test.csv", 4)]
    assert sizes(split(three)) == {"train": 12, "dev": 4, "test": 4}


def test_parts_of_a_split_are_one() -> None:
    """As the hub names them."""
    parts = [table(f"train-0000{part}-of-00002.parquet", 60) for part in range(2)]
    found = files.given_splits([*parts, table("test-00000-of-00001.parquet", 5)])
    assert sizes(found) == {"train": 120, "test": 5} and {n for n, _ in found["train"]} == {0, 1}


def test_rows_that_share_a_text_stay_together() -> None:
    """Every text is there twice, in other case the second time."""
    rows = [[f"Film {i // 2}" if i % 2 else f"film {i // 2}", str(i // 2 % 2)] for i in range(200)]
    found = split([Table(Path("a.csv"), ["text", "label"], rows, [*range(200)])])
    where = {row: name for name, places in found.items() for _, row in places}
    assert all(where[row] == where[row + 1] for row in range(0, 200, 2))
    assert set(sizes(found)) == {"train", "dev", "test"}


def test_classes_are_spread_and_rare_ones_are_no_error() -> None:
    rows = [[f"film {i}", "rare" if i < 3 else "ab"[i % 2]] for i in range(100)]
    found = split([Table(Path("a.csv"), ["text", "label"], rows, [*range(100)])])
    for name in ("dev", "test"):
        labels = Counter(rows[row][1] for _, row in found[name])
        assert labels["a"] >= 4 and labels["b"] >= 4


def test_values_are_stratified_by_their_fifths() -> None:
    counts = Counter(files.strata([str(k / 10) for k in range(100)]).tolist())
    assert set(counts) == {0, 1, 2, 3, 4} and min(counts.values()) >= 19


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ([table("a.csv", 12)], "12 rows are too few to draw test and dev from; give at least 50, or files of test"),
        ([table("train.csv", 60), table("more.csv", 9)], "more.csv: its name does not say whether it is train, dev"),
        ([table("train.csv", 60), table("train2-train.csv", 9)], "a second file whose name says train"),
        (
            [table("a.csv", 60, text="the same text")],
            "nearly all rows share texts with others, so that none can be held",
        ),
        ([table("dev.csv", 60), table("test.csv", 9)], "no file's name says train; one must"),
    ],
)
def test_what_cannot_be_split_is_said(tables: list[Table], message: str) -> None:
    with pytest.raises(Guess, match=message):
        split(tables)


def test_a_row_without_a_split_is_not_left_out_without_a_word() -> None:
    rows = [[f"film {i}", str(i % 2), split] for i, split in enumerate(["train", "dev", " ", "test", ""] * 20)]
    with pytest.raises(
        Guess, match=r"a\.csv:4: column 'part' .* is empty here, as in 40 rows; write train, dev or test"
    ):
        files.given_splits([Table(Path("a.csv"), ["text", "label", "part"], rows, [*range(2, 102)])])


@pytest.mark.parametrize(
    ("train", "test", "seen"),
    [
        ("01", ["-1"], "01"),  # as GLUE has it
        ("01", ["-1.0", ""], "01"),
        ("15", ["-1"], "15"),
        ("01", ["1"], "01"),
        ("01", ["2"], "012"),  # a label that training rows have not is one
        (["-1", "1"], ["-1"], ["-1", "1"]),  # here -1 is a label
        ("01", ["-1", "1"], ["-1", "0", "1"]),  # and here somebody must say what it is
    ],
)
@pytest.mark.parametrize("by_column", [False, True])
def test_labels_of_test_that_are_not_public_are_no_class(
    train: Sequence[str], test: Sequence[str], seen: Sequence[str], by_column: bool
) -> None:
    parts = {"train": train, "test": test}
    rows = {split: [[f"{split} {i}", own[i % len(own)], split] for i in range(30)] for split, own in parts.items()}
    columns = ["text", "label", "part"]
    tables = [Table(Path(f"{split}.csv"), columns, own, [*range(2, 32)]) for split, own in rows.items()]
    if by_column:
        tables = [Table(Path("all.csv"), columns, [*rows["train"], *rows["test"]], [*range(2, 62)])]
    found = {column.name: column for column in files.labelled_columns(tables)}
    assert sorted({*found["label"].values}) == [*seen] and len(found["text"].values) == 60


@pytest.mark.parametrize(
    ("labels", "seen"),
    [
        (["0", "1", "2", "2", "1", "0", "-1"], ["0", "1", "2"]),  # SNLI
        (["0.0", "1.0", "2.0", "2.0", "1.0", "0.0", "-1.0"], ["0.0", "1.0", "2.0"]),
        (["0", "1", "2", "-1"], ["-1", "0", "1", "2"]),  # as often as the others: one of a scale
        (["0", "0", "1", "1", "-1"], ["-1", "0", "1"]),  # against, neutral, for
        (["1", "1", "2", "2", "3", "3", "-1"], ["-1", "1", "2", "3"]),
        (["-2", "-2", "0", "0", "1", "1", "2", "2", "-1"], ["-1", "-2", "0", "1", "2"]),
    ],
)
def test_what_people_did_not_agree_on_is_no_class(labels: list[str], seen: list[str]) -> None:
    rows = [[f"text {i}", label] for i, label in enumerate(labels)]
    own = Table(Path("a.csv"), ["text", "label"], rows, [*range(2, len(rows) + 2)])
    found = {column.name: column.values for column in files.labelled_columns([own])}
    assert sorted({*found["label"]}) == seen and len(found["text"]) == len(rows)


def test_what_is_written_is_what_prepare_reads(tmp_path: Path) -> None:
    tables = [table("train.csv", 60), table("test.csv", 3, ("text", "other"))]
    tables[0].rows[0][0] = 'one, "two"\r\nthree'
    found = split(tables)
    files.write(tmp_path, tables, found)
    rows = {name: [*files.rows_read(tmp_path, TASK, name)] for name in found}
    assert {name: len(own) for name, own in rows.items()} == sizes(found)
    texts = {row.texts[0]: row.label for own in rows.values() for row in own if isinstance(row, Row)}
    assert texts['one, "two"\nthree'] == 0.0 and texts["test.csv 1"] is None and len(texts) == 63
    with (tmp_path / files.LIST).open(newline="") as file:
        listed = [*csv.reader(file)]
    assert listed[0] == ["file", "line", "split"] and listed[-1] == ["test.csv", "4", "test"] and len(listed) == 64
