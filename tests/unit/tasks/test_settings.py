"""Blocks of `tasks`: how labels may be written, what classes are called, which figure counts, and what is refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from protomtl.tasks.settings import Files, Task, main_tasks

FILES = Files(train="train.csv", dev="dev.csv", test="test.csv")
MOODS = ["very negative", "negative", "neutral", "positive", "very positive"]
words = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=8)


def task(kind: str = "classification", **more: Any) -> Task:
    return Task.model_validate({"kind": kind, "texts": ["text"], "label": "label", "files": FILES, **more})


def read(some: Task, *labels: str) -> list[float | None]:
    return [some.what.read(some, label) for label in labels]


# --- labels


def test_one_accent_in_two_codes_is_one_name() -> None:
    assert read(task(classes=["caf\u00e9", "tea"]), "cafe\u0301", "CAFE\u0301", "tea") == [0, 0, 1]
    with pytest.raises(ValidationError, match="two classes have one name"):
        task(classes=["caf\u00e9", "cafe\u0301"])


@pytest.mark.parametrize(
    "label",
    ["very\u00a0good", "very  good", "very\ngood", "\ufeffvery good", "very\u200b good\u200e", "very \u00adgood"],
)
def test_names_that_look_alike_are_one(label: str) -> None:
    """A blank of any kind is a blank, and what cannot be seen is nothing."""
    assert read(task(classes=["very good", "bad"]), label) == [0]


def test_joiners_within_words_and_emoji_are_part_of_a_name() -> None:
    names = ["\u0645\u06cc\u200c\u0634\u0648\u062f", "\U0001f469\u200d\U0001f4bb"]
    assert task(classes=names).class_names == tuple(names) and read(task(classes=names), *names) == [0, 1]


def test_an_underscore_is_in_no_number() -> None:
    assert read(task(classes=["10", "20"]), "1_0", "10") == [None, 0]


def test_a_named_class_is_written_as_its_name_or_its_number() -> None:
    assert read(task(classes=MOODS), "very negative", " positive ", "2", "4.0") == [0, 3, 2, 4]
    assert read(task(classes=MOODS), "5", "-1", "1.5", "nan", "", "bad") == [None] * 6


def test_case_matters_only_where_names_differ_by_it() -> None:
    assert read(task(classes=["NEUTRAL", "ENTAILMENT"]), "Entailment", "neutral") == [1, 0]
    assert read(task(classes=["us", "US", "them"]), "us", "US", "Us") == [0, 1, None]


def test_names_that_are_numbers_are_never_places() -> None:
    """Ratings from 1 to 5: the label 1 is the first class, and 0 is none."""
    stars = task(classes=[1, 2, 3, 4, 5])
    assert stars.class_names == ("1", "2", "3", "4", "5")
    assert read(stars, "1", "5.0", "0") == [0, 4, None]
    assert read(task(classes=["-1", "0", "1"]), "-1", "0", "2") == [0, 1, None]


def test_a_number_of_classes_is_as_it_was() -> None:
    old = task(classes=5)
    assert old.class_names == (0, 1, 2, 3, 4) and old.bounds == (0, 4) and old.outputs == 5
    assert read(old, "0", "4", "3.0", "5", "x") == [0, 4, 3, None, None]


def test_yes_and_no_are_also_true_and_false_and_numbers() -> None:
    assert read(task("binary"), "no", "YES", "true", "False", "0", "1.0", "2") == [0, 1, 1, 0, 0, 1, None]
    named = task("binary", classes=["ham", "spam"])
    assert read(named, "spam", "0", "true") == [1, 0, None] and named.shown(1) == "spam"
    assert (named.outputs, named.number_of_classes) == (1, 2)


def test_yaml_may_take_names_for_booleans_and_numbers() -> None:
    found = task(classes=[False, True, 1.5])
    assert found.class_names == ("false", "true", "1.5") and read(found, "True", "1.50") == [1, 2]


def test_values_lie_within_their_range() -> None:
    graded = task("regression", range=(1, 5))
    assert read(graded, "1", "4.25", "5", "0.9", "5.1", "inf", "good") == [1, 4.25, 5, None, None, None, None]
    assert graded.class_names == (1, 2, 3, 4, 5) and graded.shown(3.5) == "3.5"
    assert graded.histogram({"1 to 2": 7, "4 to 5": 2}) == "1 to 2: 7, 4 to 5: 2"  # parts of the range
    assert task(classes=MOODS).histogram({"1": 7, "4": 2}) == "negative: 7, very positive: 2"


@given(st.lists(words, min_size=2, max_size=6))
def test_each_name_that_is_accepted_means_its_class(names: list[str]) -> None:
    try:
        named = task(classes=names)
    except ValidationError:
        return
    assert read(named, *names) == [*range(len(names))]
    assert Task.model_validate(named.model_dump()) == named


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({"classes": ["a", "a"]}, "two classes have one name"),
        ({"classes": ["1", "1.0"]}, "two classes have one name"),
        ({"classes": ["a"]}, "at least 2"),
        ({"classes": ["a", " b"]}, "' b' is no name of a class"),
        ({"classes": ["a", ""]}, "'' is no name of a class"),
        ({"classes": ["a", "b\nc"]}, "is no name of a class"),
        ({}, "`classes` belongs to kinds classification"),
        ({"kind": "regression", "range": [0, 1], "classes": 3}, "`classes` belongs to kinds classification"),
        ({"kind": "binary", "classes": ["a", "b", "c"]}, "two names"),
        ({"kind": "binary", "classes": 2}, "two names"),
        ({"kind": "multilabel", "classes": 54}, "at most 53 classes"),
        ({"kind": "multilabel", "classes": ["a;b", "c"]}, "neither semicolon nor bar"),
        ({"classes": ["a", "\u200d"]}, "is no name of a class"),
        ({"kind": "multilabel"}, "`classes` belongs to kinds classification and multilabel"),
        ({"classes": 3, "range": [0, 1]}, "`range` belongs to kind regression"),
        ({"kind": "regression"}, "`range` belongs to kind regression"),
        ({"kind": "regression", "range": [1, 1]}, r"`range` must be \[smallest, largest\]"),
        ({"kind": "regression", "range": [0, 1001]}, "wider than 1000"),
        ({"kind": "binary", "ordered": True}, "`ordered` belongs to kind classification"),
        ({"classes": 3, "metric": "pearson"}, "accuracy, macro_f1, balanced_accuracy, mcc"),
        ({"kind": "regression", "range": [0, 1], "metric": "accuracy"}, "pearson, spearman, rmse"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_reason(block: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        task(**{"kind": "classification", **block})


def test_several_classes_are_one_number_whose_bits_they_are() -> None:
    """By hand: joy is 1, fear 2, love 4."""
    moods = task("multilabel", classes=["joy", "fear", "love"])
    assert read(moods, "joy", "love; joy", "LOVE|fear", "0;1", "", " none ", "joy; hate") == [1, 5, 6, 3, 0, 0, None]
    assert [moods.shown(label) for label in (5, 6, 0)] == ["joy; love", "fear; love", "none"]
    assert (moods.outputs, moods.number_of_classes, moods.bounds) == (3, 4, (0, 7))
    assert [moods.prototype_name(moods.what.class_of(label)) for label in (0, 1, 6)] == ["none", "joy", "fear"]


@given(st.sets(st.integers(0, 52)))
def test_any_set_of_53_classes_is_read_as_it_is_shown(classes: set[int]) -> None:
    many = task("multilabel", classes=[f"c{k}" for k in range(53)])
    (label,) = read(many, ";".join(f"c{k}" for k in classes))
    assert label is not None and many.what.bins(many, label) == sorted(classes)
    assert read(many, many.shown(label)) == [label] and float(f"{label:{many.what.form}}") == label


# --- figures


def test_the_first_figure_of_a_kind_counts_unless_the_block_names_another() -> None:
    assert task(classes=3).main_metric == "accuracy" and task("regression", range=(0, 1)).main_metric == "pearson"
    assert task(classes=3, metric="mcc").figure.words == "Matthews correlation"


def test_something_must_count_for_overall() -> None:
    error = task("regression", range=(0, 1), metric="rmse")
    with pytest.raises(SystemExit, match="the metric of each is rmse"):
        main_tasks({"a": error})
    assert [*main_tasks({"a": error, "b": task("binary")})] == ["a", "b"]
