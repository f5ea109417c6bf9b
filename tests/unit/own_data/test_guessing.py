"""What columns seem to be: by their names, by their values; and what says nothing."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protomtl.core.settings import NAME
from protomtl.own_data import blocks, guessing
from protomtl.own_data.columns import Column, said
from protomtl.own_data.guessing import Guess
from protomtl.tasks.settings import Task

FILES = {"train": "train.csv", "dev": "dev.csv", "test": "test.csv"}
SENTENCES = [f"a film of {k} words or so" for k in range(20)]


def kind(*values: str) -> dict[str, Any]:
    return blocks.kind_of(Column("label", [*values]))


def kind_in(order: list[str], *values: str) -> dict[str, Any]:
    return blocks.kind_of(Column("label", [*values] * 9, order))


@pytest.mark.parametrize(
    ("values", "block"),
    [
        (["ham", "spam"] * 9, {"kind": "binary", "classes": ["ham", "spam"], "metric": "accuracy"}),
        (["True", "false"] * 9, {"kind": "binary", "metric": "accuracy"}),
        (["1", "0"] * 9, {"kind": "binary", "metric": "accuracy"}),
        (["No", "yes"] * 9, {"kind": "binary", "metric": "accuracy"}),
        (["0", "1", "false", "true"] * 9, {"kind": "binary", "metric": "accuracy"}),  # of two files
        (["1", "2"] * 9, {"kind": "binary", "classes": ["1", "2"], "metric": "accuracy"}),
        (["2", "0", "1"] * 9, {"kind": "classification", "classes": 3, "metric": "accuracy"}),
        (["-1", "0", "1.0"] * 9, {"kind": "classification", "classes": ["-1", "0", "1"], "metric": "accuracy"}),
        (
            ["1000001", "1000002", "1000003"] * 9,
            {"kind": "classification", "classes": ["1000001", "1000002", "1000003"], "metric": "accuracy"},
        ),
        (["b", "a", "C"] * 9, {"kind": "classification", "classes": ["a", "b", "C"], "metric": "accuracy"}),
        (["t10", "t2", "x"] * 9, {"kind": "classification", "classes": ["t2", "t10", "x"], "metric": "accuracy"}),
        (
            ["joy; love", "joy", "fear|joy", "fear"] * 3,
            {"kind": "multilabel", "classes": ["fear", "joy", "love"], "metric": "macro_f1"},
        ),
        (
            ["R;D", "Ops|IT", "HR"] * 9,
            {"kind": "classification", "classes": ["HR", "Ops|IT", "R;D"], "metric": "accuracy"},
        ),
        (["joy;", "fear;"] * 9, {"kind": "multilabel", "classes": ["fear", "joy"], "metric": "macro_f1"}),
        (["1.5", "4.75", "3"], {"kind": "regression", "range": [1, 5], "metric": "pearson"}),
        (["-0.25", "0.75"], {"kind": "regression", "range": [-1, 1], "metric": "pearson"}),
        ([str(k) for k in range(101)], {"kind": "regression", "range": [0, 100], "metric": "pearson"}),
        (["ham"] * 40 + ["spam"] * 4, {"kind": "binary", "classes": ["ham", "spam"], "metric": "macro_f1"}),
    ],
)
def test_labels_say_their_kind(values: list[str], block: dict[str, Any]) -> None:
    assert kind(*values) == block


@pytest.mark.parametrize(
    ("values", "classes"),
    [
        (["010", "002", "001"] * 9, ["001", "002", "010"]),
        (["01", "01", "1", "2"] * 9, ["01", "2"]),
        ([f"{k:05}" for k in range(60)] * 3, [f"{k:05}" for k in range(60)]),  # postcodes, and no values
        (["1234567890123456", "1234567890123458"] * 9, ["1234567890123456", "1234567890123458"]),
    ],
)
def test_codes_keep_their_digits_and_are_no_values(values: list[str], classes: list[str]) -> None:
    assert kind(*values)["classes"] == classes
    task = Task.model_validate(blocks.task_of(Column("label", values), ["text"], FILES))
    assert [task.what.read(task, name) for name in classes] == [*range(len(classes))]


def test_a_number_with_a_zero_before_it_is_one_beside_fractions() -> None:
    assert kind(*["05", "10", "7.5"] * 9) == {"kind": "regression", "range": [5, 10], "metric": "pearson"}


@pytest.mark.parametrize("name", ["score", "stars", "helpful_rating"])
def test_zeros_before_what_a_column_counts_are_no_names(name: str) -> None:
    """Scores from 000 to 100 were 101 classes."""
    values = [f"{k:03}" for k in range(101)]
    assert blocks.kind_of(Column(name, values))["kind"] == "regression"
    assert blocks.kind_of(Column(name, ["05", "10", "4.5"] * 9))["range"] == [4, 10]
    assert blocks.kind_of(Column("start", values * 2))["kind"] == "classification"


@pytest.mark.parametrize(
    "dates", [["01.02.2023", "3.2.23"], ["2023-02-01", "2023/2/3"], ["2023-02-01T10:00:00Z", "02/03/2023 9:15"]]
)
def test_dates_are_no_labels_unless_named(dates: list[str]) -> None:
    """They repeat, as classes do, and often stand last. Numbers of versions and of chapters are no dates."""
    columns = [Column("text", SENTENCES), Column("mood", ["sad", "glad"] * 10), Column("rating_day", dates * 10)]
    assert guessing.labels_of(columns, ["text"]) == ["mood"]
    assert guessing.labels_of([columns[0], Column("part", ["1.2", "1.10.1"] * 10)], ["text"]) == ["part"]


def test_what_several_people_said_is_no_label_beside_the_label() -> None:
    """As in SNLI."""
    votes = Column("annotator_labels", ["yes; yes; no", "no"] * 10)
    gold = Column("gold_label", ["yes", "no"] * 10)
    assert guessing.labels_of([votes, gold], []) == ["gold_label"]
    assert guessing.labels_of([votes, Column("lang", ["en", "de"] * 10)], []) == ["annotator_labels"]


def test_classes_have_the_order_that_their_file_says() -> None:
    """Of data of the hub: the second of two is yes, and each of several is near to its neighbours."""
    order = ["Very bad", "so; so", "bad", "good"]
    assert kind_in(order, "good", "very bad", "bad")["classes"] == ["very bad", "bad", "good"]
    assert kind_in(order, "bad", "Very bad") == {"kind": "binary", "classes": ["Very bad", "bad"], "metric": "accuracy"}
    assert kind_in(order, "good; bad", "bad", "good")["classes"] == ["bad", "good"]
    assert kind_in(order, "good", "fine", "bad")["classes"] == ["bad", "fine", "good"], "one that is not in it"


def test_identifiers_that_no_float_tells_apart_are_not_one_class() -> None:
    assert kind("9007199254740992", "9007199254740993")["classes"] == ["9007199254740992", "9007199254740993"]


def test_labels_that_look_alike_are_one_class() -> None:
    assert kind(*["very good"] * 5, "very\u00a0good", "very  good\u200b", *["bad"] * 5)["classes"] == [
        "bad",
        "very good",
    ]


def test_a_class_written_in_two_ways_is_one() -> None:
    assert kind(*["Good"] * 5, "good", *["bad"] * 5, *["fair"] * 5)["classes"] == ["bad", "fair", "Good"]
    assert kind(*["caf\u00e9"] * 5, "cafe\u0301", *["bar"] * 5)["classes"] == ["bar", "caf\u00e9"]  # it looks the same


words = st.sampled_from(
    ["yes", "no", "Bad", "bad", "0", "1", "2", "3.5", "-1", "true", "it's so", "on", "1e2", "7", "a; b", "b|c"]
)


@given(st.lists(words, min_size=2, max_size=40))
def test_what_is_proposed_is_sound_and_reads_every_label(values: list[str]) -> None:
    column = Column("label", values)
    try:
        block = blocks.task_of(column, ["text"], FILES)
    except Guess:
        return
    task = Task.model_validate(block)
    assert all(task.what.read(task, value) is not None for value in values)


def column(name: str, *values: str) -> Column:
    return Column(name, [*values] * (20 // max(1, len(values))))


def test_names_of_columns_decide_where_they_say_it() -> None:
    columns = [
        column("pair_ID", *map(str, range(20))),
        column("sentence_A", *SENTENCES),
        column("sentence_B", *SENTENCES),
        column("entailment_label", "YES", "NO"),
        column("relatedness_score", "1.5", "4.0"),
        column("dataset", "flickr", "msr"),
    ]
    texts = guessing.texts_of(columns)
    assert texts == ["sentence_A", "sentence_B"]
    assert guessing.labels_of(columns, texts) == ["entailment_label", "relatedness_score"]


def test_without_such_names_words_and_repetition_decide() -> None:
    columns = [column("a", *SENTENCES), column("b", "up", "down"), column("c", "red", "green"), column("id", "1", "2")]
    assert guessing.texts_of(columns) == ["a"] and guessing.labels_of(columns, ["a"]) == ["c"]


def test_tags_are_labels_beside_a_column_that_stands_last() -> None:
    """As in tickets, where the priority was the label."""
    columns = [column("body", *SENTENCES), column("tags", "login; bug", "bug"), column("priority", "low", "high")]
    assert guessing.labels_of(columns, ["body"]) == ["tags"]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            [column("a", "1", "2"), column("b", "3", "4")],
            "no column seems to hold texts; name it by --text; there are 'a', 'b'",
        ),
        ([column("a", *SENTENCES), column("id", "1", "2")], "no column seems to hold labels; name it by --label"),
    ],
)
def test_what_cannot_be_guessed_is_asked_for(columns: list[Column], message: str) -> None:
    with pytest.raises(Guess, match=message):
        guessing.labels_of(columns, guessing.texts_of(columns))


@pytest.mark.parametrize(("values", "said"), [(["good"] * 9, "every row has 'good'"), ([], "no row has a label")])
def test_one_class_is_nothing_to_learn(values: list[str], said: str) -> None:
    with pytest.raises(Guess, match=f"column 'mood': {said}, so there is nothing to learn"):
        blocks.task_of(Column("mood", values), ["text"], FILES)


@pytest.mark.parametrize("values", [["007", "7"] * 9, ["Good", "good"] * 9])
def test_one_class_in_two_spellings_is_nothing_to_learn(values: list[str]) -> None:
    with pytest.raises(Guess, match=f"all labels mean '(7|{values[0]})', so there is nothing to learn"):
        blocks.task_of(Column("mood", values), ["text"], FILES)


def test_strings_that_hardly_repeat_are_no_classes() -> None:
    with pytest.raises(Guess, match="20 different labels in 20 rows are no classes"):
        blocks.task_of(Column("label", SENTENCES), ["text"], FILES)


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("SICK_train.txt", "train"),
        ("my-dev.csv", "dev"),
        ("validation.jsonl", "dev"),
        ("TRIAL", "dev"),
        ("eval.csv", "dev"),
        ("holdout.csv", "test"),
        ("TestSet.csv", "test"),
        ("trains.csv", None),
        ("contest.csv", None),
        ("train_test.csv", None),
    ],
)
def test_names_say_which_split_it_is(name: str, split: str | None) -> None:
    assert guessing.split_of(name) == split


def test_a_column_may_say_it_too() -> None:
    columns = [
        column("text", *SENTENCES),
        column("SemEval_set", "TRAIN", "TRIAL", "TEST"),
        column("x", "train", "other"),
    ]
    assert guessing.split_column(columns) == "SemEval_set"
    assert guessing.split_column(columns[::2]) is None


@given(st.lists(st.text(max_size=80), max_size=5))
def test_every_column_has_a_name_for_its_task(labels: list[str]) -> None:
    found: list[str] = []
    for label in labels:
        found.append(guessing.task_name(label, "mine", found))
    assert len({*found}) == len(found) and all(re.fullmatch(NAME, name) for name in found)


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("entailment_label", "entailment"),
        ("label_text", "film_reviews"),
        ("Nützlich?", "nutzlich"),
        ("overall", "overall_task"),
        ("??", "film_reviews"),
        ("label", "film_reviews"),
        ("Score", "film_reviews"),
    ],
)
def test_the_name_of_a_task_is_that_of_its_column(label: str, name: str) -> None:
    assert guessing.task_name(label, "Film reviews", ["overall"]) == name


def test_texts_without_blanks_and_lists_are_told_apart() -> None:
    chinese = column("评论", *(f"这部电影第{k}集非常好看" for k in range(20)))
    tags = column("Themen", *(f"Sport; Kunst; {k}" for k in "abcd" * 5))
    assert guessing.texts_of([chinese, tags]) == ["评论"]


def test_a_parse_beside_its_sentence_is_no_text() -> None:
    names = ["sentence1_parse", "sentence1", "sentence2_parse", "sentence2"]
    assert guessing.texts_of([column(name, *SENTENCES) for name in names]) == ["sentence1", "sentence2"]


def test_numbers_of_classes_are_labels_and_those_of_rows_are_not() -> None:
    columns = [column("text", *SENTENCES), column("row_id", *map(str, range(20))), column("label_id", "0", "1")]
    assert guessing.labels_of(columns, ["text"]) == ["label_id"]


def test_numbers_of_rows_are_no_labels_in_any_language() -> None:
    moods, numbers = column("Stimmung", "gut", "schlecht"), list(map(str, range(1, 41)))
    columns = [column("text", *SENTENCES), moods, Column("lfd. Nr.", numbers)]
    assert guessing.labels_of(columns, ["text"]) == ["Stimmung"]
    assert guessing.is_id(Column("Nr", [*numbers, *numbers[:25]]))  # anew in a second file
    assert not guessing.is_id(Column("Thema", numbers[:20] * 5))  # classes that take turns
    assert not guessing.is_id(Column("Punkte", numbers[::2])) and not guessing.is_id(Column("score", numbers))


def test_a_label_that_is_none_is_named_with_its_reason() -> None:
    columns = [column("text", *SENTENCES), Column("score", ["inf", *(f"{k / 7:.3f}" for k in range(30))])]
    with pytest.raises(Guess, match="column 'score': 31 different labels in 31 rows are no classes, and 'inf' is no"):
        blocks.task_of(columns[1], guessing.labels_of(columns, ["text"]), FILES)


@pytest.mark.parametrize(
    ("values", "left"),
    [
        (["True", "nan", "N/A", "False", "null"], ["True", "", "", "False", ""]),
        (["1.5", "NA", "-", "none", "2"], ["1.5", "", "", "", "2"]),
        (["entailment", "-", "neutral"], ["entailment", "", "neutral"]),
        (["+", "-", "0"], ["+", "-", "0"]),
        (["none", "for", "NA", "against"], ["none", "for", "NA", "against"]),
    ],
)
def test_words_that_say_nothing_are_no_classes(values: list[str], left: list[str]) -> None:
    assert said(values) == left


def test_a_second_column_that_says_nothing_keeps_its_name() -> None:
    assert guessing.task_name("rating", "films", ["films"]) == "rating"


@pytest.mark.parametrize("label", ["{:03}", "{}" + 30 * "0"])
def test_codes_that_are_all_different_are_no_classes(label: str) -> None:
    column = Column("label", [label.format(k) for k in range(1, 61)])
    with pytest.raises(Guess, match=r"60 rows are no classes, and '\d+' is a code, no amount"):
        blocks.kind_of(column)
