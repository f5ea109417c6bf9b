"""The starter data: how ratings become classes, scores become yes or no, and rows become splits."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protomtl.data import starter
from protomtl.data.readers import BadRow, Row
from protomtl.data.starter import SNIPPETS
from protomtl.tasks.settings import Files, Task

FILES = Files(train="train.csv", dev="dev.csv", test="test.csv")
SST = Task(kind="classification", classes=5, texts=["sentence"], label="sentiment", files=FILES)
PARA = Task(kind="binary", texts=["a", "b"], label="same", files=FILES)
STS = Task(kind="regression", range=(0, 5), texts=["a", "b"], label="score", files=FILES)
TASKS = {"sst": SST, "para": PARA, "sts": STS}
PATH = Path("file.txt")


# --- rated snippets


@pytest.mark.parametrize(
    ("rating", "label"),
    [
        (-4.0, 0),
        (-2.5, 0),
        (-2.4, 1),
        (-1.0, 1),
        (-0.8, 2),
        (0.0, 2),
        (0.79, 2),
        (0.8, 3),
        (2.3, 3),
        (2.4, 4),
        (4.0, 4),
    ],
)
def test_a_rating_falls_into_one_of_five_equal_bins_and_an_edge_into_the_upper_one(rating: float, label: int) -> None:
    assert starter.sentiment(rating) == label


@given(st.floats(-4, 4))
def test_a_bin_holds_a_fifth_of_the_scale(rating: float) -> None:
    assert abs(rating - (-3.2 + 1.6 * starter.sentiment(rating))) <= 0.8 + 1e-9


@pytest.mark.parametrize(
    ("task", "identifier"),
    [("sst", "movie-17_3"), ("amazon", "amazon-17_3"), ("tweets", "tweets-17_3"), ("editorial", "nyt-17_3")],
)
def test_a_snippet_becomes_a_row_whose_id_says_where_it_is_from(task: str, identifier: str) -> None:
    row = starter.snippet(Path("data/raw", SNIPPETS[task]), 7, ["17_3", "-1.55", " a dull film "], SST)
    assert row == Row(identifier, ("a dull film",), 1.0)


@pytest.mark.parametrize(
    "fields",
    [
        ["17", "1.5"],
        ["17", "1.5", "text", "more"],
        [""],
        ["17", "good", "text"],
        ["17", "4.1", "text"],
        ["17", "-4.1", "text"],
        ["17", "nan", "text"],
        ["17", "inf", "text"],
    ],
)
def test_a_malformed_snippet_is_named_by_file_line_and_content(fields: list[str]) -> None:
    row = starter.snippet(PATH, 7, fields, SST)
    assert isinstance(row, BadRow)
    assert str(row).startswith("file.txt:7: ") and str(fields) in str(row)


@pytest.mark.parametrize(("text", "problem"), [("  ", "empty"), ("caf\udce9", "not UTF-8")])
def test_a_snippet_without_a_readable_text_is_a_bad_row(text: str, problem: str) -> None:
    row = starter.snippet(PATH, 7, ["17", "1.5", text], SST)
    assert isinstance(row, BadRow)
    assert str(row).startswith("file.txt:7: ") and problem in str(row)


# --- pairs


def pair(
    genre: str, score: str, tasks: dict[str, Task] = TASKS, more: tuple[str, ...] = ()
) -> tuple[str, Row | BadRow | None]:
    return starter.pair(PATH, 3, [genre, "MSRvid", "2012test", "1", score, "a one", "b two", *more], "dev", tasks)


@pytest.mark.parametrize(
    ("genre", "task"),
    [("main-captions", "sts"), ("main-news", "para"), ("main-forum", "para"), ("main-forums", "para")],
)
def test_the_genre_decides_the_task(genre: str, task: str) -> None:
    name, row = pair(genre, "5.000")
    assert name == task
    assert isinstance(row, Row)


def test_a_caption_pair_keeps_its_score() -> None:
    assert pair("main-captions", "3.250") == ("sts", Row("stsb-dev-3", ("a one", "b two"), 3.25))


@pytest.mark.parametrize(("score", "label"), [("5", 1.0), ("4.000", 1.0), ("3.000", 0.0), ("2.9", 0.0), ("0", 0.0)])
def test_a_news_pair_is_a_paraphrase_from_4_and_none_up_to_3(score: str, label: float) -> None:
    assert pair("main-news", score) == ("para", Row("stsb-dev-3", ("a one", "b two"), label))


@pytest.mark.parametrize("score", ["3.001", "3.5", "3.999"])
def test_a_news_pair_between_3_and_4_is_left_out(score: str) -> None:
    assert pair("main-news", score) == ("para", None)


def test_a_pair_of_a_task_that_is_not_wanted_is_left_out() -> None:
    assert pair("main-captions", "1", {"sst": SST}) == ("sts", None)


def test_a_pair_may_name_its_sources_after_the_texts() -> None:
    assert pair("main-captions", "3.250", more=("http://a", "http://b")) == pair("main-captions", "3.250")


@pytest.mark.parametrize(
    ("fields", "task"),
    [
        (["main-captions", "f", "y", "1", "2.0", "only one text"], "sts"),
        (["main-news", "f", "y", "1", "2.0", "only one text"], "para"),
        ([""], "sts"),
        (["main-poems", "f", "y", "1", "2.0", "a", "b"], "sts"),
        *[
            ([genre, "f", "y", "1", score, "a", "b"], task)
            for genre, task in (("main-captions", "sts"), ("main-news", "para"))
            for score in ("much", "", "nan", "5.1", "-0.1", "inf")
        ],
        (["main-news", "f", "y", "1", "5", "a", " "], "para"),
    ],
)
def test_a_malformed_pair_is_named_by_file_and_line_and_belongs_to_the_task_of_its_genre(
    fields: list[str], task: str
) -> None:
    name, row = starter.pair(PATH, 3, fields, "dev", TASKS)
    assert name == task
    assert isinstance(row, BadRow)
    assert str(row).startswith("file.txt:3: ")


# --- files


def write_starter(folder: Path, snippets: str, pairs: dict[str, str]) -> None:
    (folder / SNIPPETS["sst"]).write_text(snippets)
    for split in ("train", "dev", "test"):
        (folder / f"sts-{split}.csv").write_text(pairs.get(split, ""))


def test_every_line_is_read_and_what_is_left_out_is_counted(tmp_path: Path) -> None:
    news = "main-news\tf\ty\t1\t{}\ta\tb\n"
    captions = 'main-captions\tf\ty\t1\t2.5\ta "quote\tb\n'
    write_starter(
        tmp_path,
        "1\t3.0\tgood\n2\t-3.0\tbad\r\n",
        {"train": news.format(3.5) + captions + news.format(4), "dev": news.format(3.2), "test": "rubbish\n"},
    )
    left_out: dict[str, int] = {}
    found = list(starter.read(tmp_path, TASKS, left_out))
    assert [(name, row) for name, row in found if isinstance(row, Row)] == [
        ("sst", Row("movie-1", ("good",), 4.0)),
        ("sst", Row("movie-2", ("bad",), 0.0)),
        ("sts", Row("stsb-train-2", ('a "quote', "b"), 2.5)),
        ("para", Row("stsb-train-3", ("a", "b"), 1.0)),
    ]
    assert [str(row).split(": ")[0] for _, row in found if isinstance(row, BadRow)] == [
        f"{tmp_path / 'sts-test.csv'}:1"
    ]
    assert left_out == {"para": 2}


def test_pairs_of_a_task_that_is_not_wanted_are_not_counted_as_left_out(tmp_path: Path) -> None:
    write_starter(tmp_path, "1\t3.0\tgood\n", {"dev": "main-news\tf\ty\t1\t3.5\ta\tb\n"})
    left_out: dict[str, int] = {}
    assert [name for name, _ in starter.read(tmp_path, {"sst": SST}, left_out)] == ["sst"]
    assert left_out == {}


def test_every_file_of_snippets_is_a_task_and_only_those_asked_for_are_read(tmp_path: Path) -> None:
    write_starter(tmp_path, "1\t0.0\tof sst\n", {})
    for name in ("amazon", "tweets", "editorial"):
        (tmp_path / SNIPPETS[name]).write_text(f"1\t0.0\tof {name}\n")
    found = {
        name: row.texts
        for name, row in starter.read(tmp_path, dict.fromkeys(SNIPPETS, SST), {})
        if isinstance(row, Row)
    }
    assert found == {name: (f"of {name}",) for name in ("sst", "amazon", "tweets", "editorial")}
    (tmp_path / SNIPPETS["editorial"]).unlink()
    assert [name for name, _ in starter.read(tmp_path, {"tweets": SST}, {})] == ["tweets"]


# --- splits


def synthetic(count: int = 500) -> list[Row]:
    """Pairs with labels 0..4, a fifth each; every third pair shares its first text with the one before it."""
    return [Row(f"r{i}", (f"a {i - (i % 3 == 1)}", f"b {i}"), float(i * 7 % 5)) for i in range(count)]


def ids(splits: dict[str, list[Row]]) -> dict[str, list[str]]:
    return {split: [r.id for r in rows] for split, rows in splits.items()}


@pytest.mark.parametrize("seed", [1, 2, 2024])
def test_every_row_is_in_exactly_one_split(seed: int) -> None:
    splits = starter.split_rows(synthetic(), seed)
    assert list(splits) == ["train", "dev", "test"]
    assert sorted(r.id for rows in splits.values() for r in rows) == sorted(r.id for r in synthetic())


@pytest.mark.parametrize("seed", [1, 2, 2024])
def test_no_two_splits_share_a_text(seed: int) -> None:
    splits = starter.split_rows(synthetic(), seed)
    texts = [{t for r in rows for t in r.texts} for rows in splits.values()]
    assert sum(map(len, texts)) == len(set().union(*texts))


def test_the_seed_fixes_the_splits() -> None:
    assert starter.split_rows(synthetic(), 1) == starter.split_rows(synthetic(), 1)
    assert ids(starter.split_rows(synthetic(), 1)) != ids(starter.split_rows(synthetic(), 2))


@pytest.mark.parametrize("seed", [1, 2, 2024])
def test_the_splits_have_about_80_10_and_10_percent_of_the_rows_and_of_each_label(seed: int) -> None:
    splits = starter.split_rows(synthetic(), seed)
    for split, share in (("train", 0.8), ("dev", 0.1), ("test", 0.1)):
        rows = splits[split]
        assert len(rows) / 500 == pytest.approx(share, abs=0.02)
        labels = Counter(r.label for r in rows)
        assert all(labels[label] / len(rows) == pytest.approx(0.2, abs=0.06) for label in range(5))


@pytest.mark.parametrize("seed", range(10))
def test_a_group_of_more_than_a_fifth_of_a_fold_is_training_data(seed: int) -> None:
    giant = [Row(f"g{i}", (f"g {i}", "the text they share"), float(i % 5)) for i in range(11)]
    splits = starter.split_rows(giant + synthetic(489), seed)
    assert {r.id for r in giant} <= {r.id for r in splits["train"]}
    assert len(splits["dev"]) == pytest.approx(50, abs=5) and len(splits["test"]) == pytest.approx(50, abs=5)


def test_a_group_of_a_fifth_of_a_fold_may_be_held_out() -> None:
    group = [Row(f"g{i}", (f"g {i}", "the text they share"), float(i % 5)) for i in range(10)]
    held_out = [
        seed for seed in range(20) if "g0" not in ids(starter.split_rows(group + synthetic(490), seed))["train"]
    ]
    assert held_out
