"""Files of one data set, and of several: their names say which."""

from pathlib import Path

import pytest

from protomtl.own_data.data_sets import data_sets, name_of
from protomtl.own_data.fields import Table
from protomtl.own_data.guessing import Guess


def tables(*names: str) -> list[Table]:
    return [Table(Path(name), ["text", "label"], [], []) for name in names]


@pytest.mark.parametrize(
    "names",
    [
        ["reviews.csv"],
        ["train.csv", "dev.csv", "test.csv"],
        ["SICK_train.txt", "SICK_trial.txt", "SICK_test_annotated.txt"],
        ["mood.csv", "mood_test.csv"],  # whose second name says the split of the first: refused where splits are made
        ["train.csv", "train2.csv"],
        ["train-00000-of-00002.parquet", "train-00001-of-00002.parquet", "test-00000-of-00001.parquet"],
    ],
)
def test_one_data_set_has_no_name(names: list[str]) -> None:
    assert {name: len(own) for name, own in data_sets(tables(*names)).items()} == {"": len(names)}


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["topics.csv", "pairs.tsv"], {"topics": 1, "pairs": 1}),
        (["Topics-train.csv", "pairs.csv", "topics.test.csv"], {"topics": 2, "pairs": 1}),
        (["a/news1_train.csv", "b/news2_train.csv"], {"news1": 1, "news2": 1}),
        (["SickTrain.txt", "SickTest.txt", "mood.csv.gz"], {"sick": 2, "mood": 1}),
    ],
)
def test_several_data_sets_are_told_apart_by_their_names(names: list[str], found: dict[str, int]) -> None:
    assert {name: len(own) for name, own in data_sets(tables(*names)).items()} == found


def test_a_split_of_no_data_set_is_asked_about() -> None:
    with pytest.raises(Guess, match="a split of which data set"):
        data_sets(tables("train.csv", "more.csv"))


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("Reviews-train.csv", "reviews"),
        ("train2.csv", ""),
        ("STS_dev.jsonl.gz", "sts"),
        ("MyPairsTest.csv", "my_pairs"),
        ("données_test.csv", "donnees"),
        ("mood-train-00000-of-00002.parquet", "mood"),
        ("train-00000-of-00001.parquet", ""),
    ],
)
def test_a_name_is_what_stands_beside_the_split(file: str, name: str) -> None:
    assert name_of(Path(file)) == name
