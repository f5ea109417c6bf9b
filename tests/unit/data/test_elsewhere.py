"""Rows of other places: which there are, and that none is one a model was shown."""

import json
from pathlib import Path

import pytest

from protomtl.data import elsewhere
from protomtl.data.split_profile import normalised
from tests.unit.data.test_starter import PARA, SST, STS, TASKS

PAIRS = [  # genre, score, texts
    ("main-captions", 4.5, "A cat sits", "A cat is sitting"),
    ("main-news", 1.0, "Shares fall", "Rain falls"),
    ("main-forums", 3.5, "I think so", "So I think"),
    ("main-forum", 5.0, "Use tabs", "Tabs it is"),
    ("main-odd", 5.0, "x", "y"),
]


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """The starter files, a few rows of each, and one of them bad."""
    for split in ("train", "dev", "test"):
        lines = [f"{g}\tfile\t2015\t7\t{score}\t{a} {split}\t{b} {split}" for g, score, a, b in PAIRS]
        (tmp_path / f"sts-{split}.csv").write_text("\n".join([*lines, "main-news\tfile\t2015\t7\tbad\ta\tb"]) + "\n")
    for name in elsewhere.starter.SNIPPETS.values():
        (tmp_path / name).write_text("1\t3.1\tSo good\n2\tno number\tbad\n3\t-0.1\tPlain\n")
    return tmp_path


def test_other_domains_are_cut_into_the_same_bins(raw: Path) -> None:
    places = elsewhere.starter_places(raw, TASKS, set())["sst"]
    assert [*places] == ["amazon", "tweets", "editorial"]
    assert [(row.texts, row.label) for row in places["amazon"]] == [(("So good",), 4.0), (("Plain",), 2.0)]


def test_a_domain_that_is_a_task_is_no_other_place(raw: Path) -> None:
    places = elsewhere.starter_places(raw, {**TASKS, "tweets": SST}, set())["sst"]
    assert [*places] == ["amazon", "editorial"]


def test_all_genres_with_the_labels_of_the_task(raw: Path) -> None:
    places = elsewhere.starter_places(raw, TASKS, set())
    values = {genre: [row.label for row in rows] for genre, rows in places["sts"].items()}
    assert values == {"captions": [4.5] * 3, "news": [1.0] * 3, "forum": [3.5, 5.0] * 3}
    answers = {genre: [row.label for row in rows] for genre, rows in places["para"].items()}
    assert answers == {"captions": [1.0] * 3, "news": [0.0] * 3, "forum": [1.0] * 3}  # 3.5 is neither


def test_pairs_that_share_a_text_with_training_rows_are_none(raw: Path) -> None:
    places = elsewhere.starter_places(raw, TASKS, {normalised("Shares fall train"), normalised("rain  FALLS dev")})
    assert [row.id for row in places["sts"]["news"]] == ["stsb-test-2"]


@pytest.fixture
def sets(tmp_path: Path) -> Path:
    sick = ["pair_ID\tsentence_A\tsentence_B\trelatedness_score\tentailment_judgment"]
    sick += ["6\tA boy runs\tA boy is running\t4.7\tENTAILMENT", '7\tA dog\tA "cat\t1.2\tNEUTRAL']
    (tmp_path / "sick-test.tsv").write_text("\n".join(sick))
    msrp = [
        "\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String",
        '1\t10\t11\tHe said "no\tHe denied',
        "0\t12\t13\tUp\tDown",
    ]
    (tmp_path / "msr-test.tsv").write_text("\n".join(msrp), encoding="utf-8")
    (tmp_path / "advglue-qqp-dev.json").write_text(
        json.dumps([{"idx": 0, "question1": "a?", "question2": "b?", "label": 0}])
    )
    (tmp_path / "advglue-sst2-dev.json").write_text(
        json.dumps([{"idx": 0, "sentence": "g00d", "label": 1}, {"idx": 1, "sentence": "bad", "label": 0}])
    )
    return tmp_path


def test_other_peoples_test_sets(sets: Path) -> None:
    places = elsewhere.cs224n_places(sets, TASKS, set(), {})
    assert [(row.id, row.texts, row.label) for row in places["sts"]["sick"]] == [
        ("sick-6", ("A boy runs", "A boy is running"), 4.7),
        ("sick-7", ("A dog", 'A "cat'), 1.2),
    ]
    assert [(row.texts, row.label) for row in places["para"]["msrp"]] == [
        (('He said "no', "He denied"), 1.0),
        (("Up", "Down"), 0.0),
    ]
    assert [row.label for row in places["para"]["advglue"]] == [0.0]
    assert [row.label for row in places["sst"]["advglue"]] == [4.0, 0.0]
    assert elsewhere.SIDES == ("sst", "advglue")


def test_rows_that_are_training_rows_are_left_out_and_those_that_share_a_text_apart(sets: Path) -> None:
    trained = {"sts": {frozenset({"aboyruns", "aboyisrunning"})}, "para": set()}
    places = elsewhere.cs224n_places(sets, {"sts": STS, "para": PARA}, {"adog", "up"}, trained)
    assert [row.id for row in places["sts"]["sick"]] == ["sick-7"]
    assert [row.id for row in places["sts"]["sick_apart"]] == ["sick-6"]
    assert len(places["para"]["msrp"]) == 2 and [row.label for row in places["para"]["msrp_apart"]] == [1.0]


def test_without_the_files_there_are_none(tmp_path: Path) -> None:
    assert elsewhere.cs224n_places(tmp_path, TASKS, set(), {}) == {}
