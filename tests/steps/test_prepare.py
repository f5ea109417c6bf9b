"""Step `prepare`: checked tables, and a report whose numbers can be checked by hand."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from protomtl.core import paths
from protomtl.core.files import digest_folder
from protomtl.core.paths import PREPARED, RAW, results
from protomtl.core.settings import Data
from protomtl.data.starter import SNIPPETS
from protomtl.steps import prepare
from protomtl.tasks.settings import Files, Task
from tests.support.params import UNTOUCHED

SST = Task(
    kind="classification",
    classes=5,
    texts=["sentence"],
    label="sentiment",
    files=Files(train="sst-train.csv", dev="sst-dev.csv", test="sst-test.csv"),
)
STS = Task(
    kind="regression",
    range=(0, 5),
    texts=["a", "b"],
    label="score",
    files=Files(train="sts-train.tsv", dev="sts-dev.tsv", test="sts-test.tsv"),
)
PARA = Task(kind="binary", texts=["a", "b"], label="same", files=Files(train="x", dev="y", test="z"))
TABLES = {
    "sst-train.csv": "id,sentence,sentiment\n"
    "s1,A fine film,4\ns2,a  FINE film,0\ns3,bad,1\ns4,neither good nor really bad,0\n",
    "sst-dev.csv": "id,sentence,sentiment\nd1,Bad,1\nd2,other words,2\n",
    "sst-test.csv": "id,sentence\nt1,Other  words\nt2,a fine film\nt3,bad\n",
    "sts-train.tsv": "a\tb\tscore\n"
    "a0\tb0\t0\na1\tb1\t0.99\na2\tb2\t1\na3\tb3\t3.5\na4\tb4\t4\na5\tb5\t4.99\na6\tb6\t5\na6\tb6\t5.0\n",
    "sts-dev.tsv": "a\tb\tscore\nc0\td0 d\t2\n",
    "sts-test.tsv": "a\tb\tscore\ne0\te1\t5\n",
}


def settings(**changes: Any) -> Data:
    values: dict[str, Any] = {
        "source": "folder",
        "mirror": "",
        "elsewhere": False,
        "folder": "data/own",
        "on_bad_row": "error",
        "split_seed": 1,
        "max_train_rows": 0,
        "worsened": UNTOUCHED,
    }
    return Data.model_validate(values | changes)


@pytest.fixture
def raw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """data/raw of a working directory of its own, with TABLES."""
    monkeypatch.chdir(tmp_path)
    RAW.mkdir(parents=True)
    for name, content in TABLES.items():
        (RAW / name).write_text(content)
    return RAW


def table(task: str, split: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(PREPARED / task / f"{split}.parquet").to_pylist()
    return rows


def report() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((results("prepare") / "report.json").read_text(encoding="utf-8"))
    return content


def markdown() -> list[str]:
    return (results("prepare") / "report.md").read_text(encoding="utf-8").splitlines()


def refused(data: Data, tasks: dict[str, Task]) -> str:
    with pytest.raises(SystemExit) as caught:
        prepare.run(data, tasks)
    return str(caught.value)


# --- tables


def test_single_texts_are_written_in_the_order_of_the_file(raw: Path) -> None:
    prepare.run(settings(), {"sst": SST})
    assert table("sst", "train") == [
        {"id": "s1", "text_a": "A fine film", "text_b": None, "label": 4.0},
        {"id": "s2", "text_a": "a  FINE film", "text_b": None, "label": 0.0},
        {"id": "s3", "text_a": "bad", "text_b": None, "label": 1.0},
        {"id": "s4", "text_a": "neither good nor really bad", "text_b": None, "label": 0.0},
    ]


def test_pairs_have_a_second_text(raw: Path) -> None:
    prepare.run(settings(), {"sts": STS})
    assert table("sts", "dev") == [{"id": "line-2", "text_a": "c0", "text_b": "d0 d", "label": 2.0}]


def test_test_files_may_lack_labels(raw: Path) -> None:
    prepare.run(settings(), {"sst": SST})
    assert [row["label"] for row in table("sst", "test")] == [None, None, None]
    assert report()["splits"]["sst"]["test"]["labels"] == {}
    assert "| sst | test | 3 | no labels | 2.0 / 2 / 3 | 0 |" in markdown()


def test_a_test_file_whose_labels_all_say_nothing_is_unlabelled(raw: Path) -> None:
    (raw / "sst-test.csv").write_text("id,sentence,sentiment\nt1,fine,-1\nt2,bad,-1\n")
    prepare.run(settings(), {"sst": SST})
    assert [row["label"] for row in table("sst", "test")] == [None, None]
    (raw / "sst-dev.csv").write_text("id,sentence,sentiment\nd1,fine,-1\n")
    assert "'-1' is not a classification label" in refused(settings(), {"sst": SST})


def test_all_columns_have_their_type_even_where_all_values_are_missing(raw: Path) -> None:
    prepare.run(settings(), {"sst": SST})
    schema = pq.read_schema(PREPARED / "sst" / "test.parquet")
    assert {field.name: str(field.type) for field in schema} == {
        "id": "string",
        "text_a": "string",
        "text_b": "string",
        "label": "double",
    }


def test_only_the_first_training_rows_are_used_if_wanted(raw: Path) -> None:
    prepare.run(settings(max_train_rows=2), {"sst": SST, "sts": STS})
    assert [row["id"] for row in table("sst", "train")] == ["s1", "s2"]
    assert [len(table("sts", split)) for split in ("train", "dev", "test")] == [2, 1, 1]
    assert len(table("sst", "test")) == 3
    assert report()["splits"]["sst"]["train"]["rows"] == 2


def test_a_later_run_leaves_nothing_of_an_earlier_one(raw: Path) -> None:
    prepare.run(settings(), {"sst": SST, "sts": STS})
    prepare.run(settings(), {"sst": SST})
    assert [p.name for p in PREPARED.iterdir()] == ["sst"]


# --- report


def test_the_report_counts_rows_labels_words_and_repeats(raw: Path) -> None:
    prepare.run(settings(), {"sst": SST})
    assert report()["splits"]["sst"]["train"] == {
        "rows": 4,
        "labels": {"0": 2, "1": 1, "4": 1},
        "words": {"mean": 3.0, "p95": 4, "max": 5},  # 3, 3, 1 and 5 words: the 95th percentile is 4.7
        "repeats": 1,  # s2 is s1 in another case
    }
    assert report()["source"] == "folder"
    assert "| sst | train | 4 | 0: 2, 1: 1, 4: 1 | 3.0 / 4 / 5 | 1 |" in markdown()


def test_the_report_counts_values_in_parts_of_their_range_and_the_largest_in_the_last(raw: Path) -> None:
    prepare.run(settings(), {"sts": STS})
    train = report()["splits"]["sts"]["train"]
    parts = {"0 to 1": 2, "1 to 2": 1, "2 to 3": 0, "3 to 4": 1, "4 to 5": 4}  # 4, 4.99, 5 and 5 are in the last
    assert train["labels"] == parts
    assert train["words"] == {"mean": 2.0, "p95": 2, "max": 2}  # of both texts
    assert train["repeats"] == 1
    assert "| sts | train | 8 | 0 to 1: 2, 1 to 2: 1, 2 to 3: 0, 3 to 4: 1, 4 to 5: 4 | 2.0 / 2 / 2 | 1 |" in markdown()


def test_the_report_counts_the_texts_that_splits_share(raw: Path) -> None:
    prepare.run(settings(), {"sst": SST, "sts": STS})
    assert report()["shared_texts"] == {
        "sst: train and dev": 1,  # bad
        "sst: train and test": 2,  # a fine film; bad
        "sst: dev and test": 2,  # bad; other words
        "sts: train and dev": 0,
        "sts: train and test": 0,
        "sts: dev and test": 0,
    }
    assert {"- sst: train and dev: 1", "- sst: train and test: 2", "- sts: dev and test: 0"} <= set(markdown())


def test_the_report_is_also_printed(raw: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prepare.run(settings(), {"sst": SST})
    printed = capsys.readouterr().out.strip()
    assert printed.startswith("prepare sst train: 4 rows")  # progress, as splits are done
    assert printed.endswith((results("prepare") / "report.md").read_text(encoding="utf-8").strip())


def test_any_number_of_rows_at_a_time_gives_the_same_tables(raw: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare.run(settings(), {"sst": SST, "sts": STS})
    whole = report(), {split: table("sts", split) for split in ("train", "dev", "test")}
    monkeypatch.setattr(prepare, "BATCH", 3)
    prepare.run(settings(), {"sst": SST, "sts": STS})
    assert (report(), {split: table("sts", split) for split in ("train", "dev", "test")}) == whole


# --- bad rows

BAD = "id,sentence,sentiment\ns1,fine,4\ns2,bad,7\ns3,,1\ns4,so so,2\n"


def test_the_first_bad_row_ends_the_step_and_is_named(raw: Path) -> None:
    (raw / "sst-train.csv").write_text(BAD)
    message = refused(settings(), {"sst": SST})
    assert f"{raw / 'sst-train.csv'}:3: " in message and "'7'" in message and "on_bad_row: drop" in message
    assert "sst-train.csv:4" not in message
    assert not PREPARED.exists() and not results("prepare").exists()


def test_a_bad_row_leaves_the_former_tables_as_they_were(raw: Path) -> None:
    prepare.run(settings(), {"sst": SST})
    before = digest_folder(PREPARED) | digest_folder(results("prepare"))
    (raw / "sst-train.csv").write_text(BAD)
    refused(settings(), {"sst": SST})
    assert digest_folder(PREPARED) | digest_folder(results("prepare")) == before


def test_bad_rows_are_dropped_counted_and_listed_if_wanted(raw: Path) -> None:
    (raw / "sst-train.csv").write_text(BAD)
    prepare.run(settings(on_bad_row="drop"), {"sst": SST})
    assert [row["id"] for row in table("sst", "train")] == ["s1", "s4"]
    dropped = report()["dropped"]
    assert [problem.split(": ")[0] for problem in dropped] == [f"{raw / 'sst-train.csv'}:{n}" for n in (3, 4)]
    assert "'7'" in dropped[0] and "empty" in dropped[1]
    assert "Dropped as malformed: 2 rows." in markdown()
    assert {f"- {problem}" for problem in dropped} <= set(markdown())


@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_an_id_that_is_there_twice_ends_the_step_or_its_row_is_dropped(raw: Path, split: str) -> None:
    path = raw / f"sst-{split}.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines, lines[1]]) + "\n")
    problem = f"{path}:{len(lines) + 1}: column 'id': {lines[1].split(',')[0]!r} is the id of an earlier row too"
    assert refused(settings(), {"sst": SST}).startswith(problem)
    prepare.run(settings(on_bad_row="drop"), {"sst": SST})
    assert len(table("sst", split)) == len(lines) - 1 and report()["dropped"][0].startswith(problem)


def test_rows_behind_a_quote_that_is_never_closed_are_not_dropped(raw: Path) -> None:
    (raw / "sst-train.csv").write_text('id,sentence,sentiment\ns1,fine,4\ns2,"bad,1\ns3,so so,2\n')
    message = refused(settings(on_bad_row="drop"), {"sst": SST})
    assert f"{raw / 'sst-train.csv'}:3: not valid CSV: a quote that opens a field is not closed" in message


def test_nothing_dropped_is_said_too(raw: Path) -> None:
    prepare.run(settings(on_bad_row="drop"), {"sst": SST})
    assert report()["dropped"] == []
    assert "Dropped as malformed: 0 rows." in markdown()


@pytest.mark.parametrize("on_bad_row", ["error", "drop"])
def test_a_missing_column_is_an_error_in_any_case(raw: Path, on_bad_row: str) -> None:
    (raw / "sst-dev.csv").write_text("id,text,sentiment\nd1,bad,1\n")
    assert f"{raw / 'sst-dev.csv'}:1: missing column 'sentence'" in refused(
        settings(on_bad_row=on_bad_row), {"sst": SST}
    )


def test_training_and_dev_files_need_labels(raw: Path) -> None:
    (raw / "sst-dev.csv").write_text("id,sentence\nd1,bad\n")
    assert f"{raw / 'sst-dev.csv'}:1: missing column 'sentiment'" in refused(settings(), {"sst": SST})


def test_a_missing_file_is_an_error_that_names_it(raw: Path) -> None:
    (raw / "sst-dev.csv").unlink()
    assert str(raw / "sst-dev.csv") in refused(settings(), {"sst": SST})


@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_a_split_without_rows_is_an_error_that_names_it(raw: Path, split: str) -> None:
    (raw / f"sst-{split}.csv").write_text("id,sentence,sentiment\n")
    assert f"tasks.sst: the {split} split has no row" in refused(settings(), {"sst": SST})
    assert not PREPARED.exists()


def test_a_split_whose_rows_were_all_dropped_is_an_error(raw: Path) -> None:
    (raw / "sst-dev.csv").write_text("id,sentence,sentiment\nd1,bad,9\n")
    assert "tasks.sst: the dev split has no row" in refused(settings(on_bad_row="drop"), {"sst": SST})


# --- the same again


def test_the_same_input_gives_the_same_bytes(raw: Path) -> None:
    prepare.run(settings(), {"sst": SST, "sts": STS})
    first = digest_folder(PREPARED) | digest_folder(results("prepare"))
    prepare.run(settings(), {"sst": SST, "sts": STS})
    assert len(first) == 8  # three tables for each task, two reports
    assert digest_folder(PREPARED) | digest_folder(results("prepare")) == first


# --- training trees

PHRASES = SST.model_copy(update={"files": Files(train=paths.TREES, dev="sst-dev.csv", test="sst-test.csv")})
TREES = "(3 (2 (2 A) (3 (4 fine) (2 film))) (2 !))\n(1 (1 (1 bad) (2 .)) (2 (2 good) (2 WORDS)))\n"
NOTHING_BEHIND = "(3 (2 A) (4 fine)"


def test_phrases_of_trees_are_training_rows_but_for_those_of_dev_and_test(raw: Path) -> None:
    (raw / paths.TREES).write_text(TREES)
    prepare.run(settings(), {"sst": SST, "phrases": PHRASES})
    assert [(row["text_a"], row["label"]) for row in table("phrases", "train")] == [
        ("A", 2.0),
        ("fine", 4.0),
        ("film", 2.0),
        ("fine film", 3.0),
        ("good", 2.0),
        ("WORDS", 2.0),
        ("good WORDS", 2.0),
        ("bad . good WORDS", 1.0),
    ]
    assert table("phrases", "dev") == table("sst", "dev")
    assert {count for pair, count in report()["shared_texts"].items() if pair.startswith("phrases: train")} == {0}


def test_the_report_says_what_became_of_the_phrases(raw: Path) -> None:
    (raw / paths.TREES).write_text(TREES + "(3 Fine)\n")
    prepare.run(settings(max_train_rows=2), {"phrases": PHRASES})  # the counts are of all
    assert report()["phrases"] == {
        "phrases": {"trees": 3, "phrases": 14, "several_labels": 1, "without_words": 2, "held_out": 4}
    }
    lines = markdown()
    place = lines.index("Phrases: phrases has 14 different ones of 3 trees.")
    assert lines[place + 1 : place + 3] == [
        "- left out: 2 without a word, 4 that are dev or test rows",
        "- 1 have several labels; the most frequent one counts",
    ]
    prepare.run(settings(), {"sst": SST})
    assert "phrases" not in report()


def test_a_damaged_tree_ends_the_step_or_is_dropped_and_listed(raw: Path) -> None:
    (raw / paths.TREES).write_text(TREES + NOTHING_BEHIND)
    problem = f"{raw / paths.TREES}:3: not a tree: 1 of its brackets are not closed: {NOTHING_BEHIND!r}"
    assert refused(settings(), {"phrases": PHRASES}).startswith(f"{problem}\n(set data.on_bad_row: drop")
    assert not PREPARED.exists()
    prepare.run(settings(on_bad_row="drop"), {"phrases": PHRASES})
    assert report()["dropped"] == [problem] and len(table("phrases", "train")) == 8


def test_a_bad_row_of_dev_is_dropped_once_although_it_is_read_twice(raw: Path) -> None:
    (raw / paths.TREES).write_text(TREES)
    (raw / "sst-dev.csv").write_text("id,sentence,sentiment\nd1,Good,3\nd2,words,9\n")
    prepare.run(settings(on_bad_row="drop"), {"phrases": PHRASES})
    assert [problem.split(": ")[0] for problem in report()["dropped"]] == [f"{raw / 'sst-dev.csv'}:3"]
    assert "good" not in [row["text_a"] for row in table("phrases", "train")]


def test_trees_that_are_not_there_or_for_pairs_are_refused(raw: Path) -> None:
    assert str(raw / paths.TREES) in refused(settings(), {"phrases": PHRASES})
    pairs = STS.model_copy(update={"files": Files(train=paths.TREES, dev="sts-dev.tsv", test="sts-test.tsv")})
    assert (
        refused(settings(), {"sts": pairs})
        == f"params.yaml: tasks.sts.texts: {paths.TREES} has no pairs; name one column"
    )


# --- starter data


@pytest.fixture
def starter_raw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """data/raw with 100 snippets for two tasks each, 120 captions (scores 0, 1, .. 5), 180 news pairs (2, 3.5, 4.5)."""
    monkeypatch.chdir(tmp_path)
    RAW.mkdir(parents=True)
    for name in ("sst", "tweets"):
        lines = [f"{i}\t{i % 5 * 1.6 - 3.2:.2f}\t{name} snippet {i}\n" for i in range(100)]
        (RAW / SNIPPETS[name]).write_text("".join(lines))
    for split, start in (("train", 0), ("dev", 100), ("test", 200)):
        captions = [f"main-captions\tf\ty\t1\t{i % 6}\tman {start + i}\tdog {start + i}\n" for i in range(40)]
        news = [f"main-news\tf\ty\t1\t{(2, 3.5, 4.5)[i % 3]}\tbank {start + i}\tvote {start + i}\n" for i in range(60)]
        (RAW / f"sts-{split}.csv").write_text("".join(captions + news))
    return RAW


def counts(task: str) -> dict[str, int]:
    return {split: len(table(task, split)) for split in ("train", "dev", "test")}


def test_the_starter_data_become_three_tasks_that_share_no_text_between_splits(starter_raw: Path) -> None:
    prepare.run(settings(source="starter"), {"sst": SST, "para": PARA, "sts": STS})
    assert counts("sst") == {"train": 80, "dev": 10, "test": 10}
    assert counts("para") == {"train": 96, "dev": 12, "test": 12}
    assert sum(counts("sts").values()) == 120
    assert set(report()["shared_texts"].values()) == {0}
    assert report()["left_out"] == {"para": 60}
    assert "Left out on purpose: 60 pairs of para (score between 3 and 4)." in markdown()


def test_an_auxiliary_task_is_prepared_and_reported_like_any_other(starter_raw: Path) -> None:
    prepare.run(settings(source="starter"), {"sst": SST, "tweets": SST.model_copy(update={"auxiliary": True})})
    assert counts("tweets") == {"train": 80, "dev": 10, "test": 10}
    assert report()["splits"]["tweets"]["dev"]["labels"] == {"0": 2, "1": 2, "2": 2, "3": 2, "4": 2}
    assert {row["text_a"].split()[0] for row in table("tweets", "train")} == {"tweets"}
    assert [line for line in markdown() if line.startswith("| tweets | test | 10 |")]


def test_an_auxiliary_task_may_not_learn_from_what_another_is_tested_on(raw: Path) -> None:
    rows = [f"s{i},film number {i},{i % 5}" for i in range(300)]
    for name, some in (("train", rows[:100]), ("dev", rows[100:200]), ("test", rows[200:]), ("more", rows[150:])):
        (raw / f"sst-{name}.csv").write_text("\n".join(["id,sentence,sentiment", *some]) + "\n")
    (raw / "few.csv").write_text("id,sentence,sentiment\na,other,1\n")
    files = Files(train="sst-more.csv", dev="few.csv", test="sst-train.csv")
    more = SST.model_copy(update={"files": files, "auxiliary": True})
    told = "tasks.more: 50 of 100 different rows of dev of tasks.sst are training rows too, punctuation aside"
    assert refused(settings(), {"more": more, "sst": SST}).startswith(told)
    assert not PREPARED.exists()
    prepare.run(settings(), {"more": more.model_copy(update={"auxiliary": False}), "sst": SST})


def test_the_split_seed_decides_the_splits_of_the_starter_data(starter_raw: Path) -> None:
    held_out = []
    for seed in (1, 1, 2):
        prepare.run(settings(source="starter", split_seed=seed), {"sst": SST})
        held_out.append([row["id"] for row in table("sst", "dev")])
    assert held_out[0] == held_out[1] != held_out[2]


def test_a_malformed_line_of_the_starter_data_is_named(starter_raw: Path) -> None:
    with (starter_raw / "sts-dev.csv").open("a") as file:
        file.write("main-news\tf\ty\t1\tnan\ta\tb\n")
    tasks = {"sst": SST, "para": PARA}
    assert f"{starter_raw / 'sts-dev.csv'}:101: " in refused(settings(source="starter"), tasks)
    prepare.run(settings(source="starter", on_bad_row="drop"), tasks)
    assert len(report()["dropped"]) == 1


# --- training rows made worse


def test_training_rows_are_made_worse_and_the_report_says_so(raw: Path) -> None:
    prepare.run(settings(), {"sst": SST})
    before = {split: table("sst", split) for split in ("train", "dev", "test")}
    assert "worsened" not in report()
    prepare.run(settings(worsened=UNTOUCHED | {"rows": 2, "wrong_labels": 0.5}), {"sst": SST})
    train = table("sst", "train")
    labels = {row["id"]: row["label"] for row in before["train"]}
    assert len(train) == 2 and sum(labels[row["id"]] != row["label"] for row in train) == 1
    assert all(table("sst", split) == before[split] for split in ("dev", "test"))
    assert report()["worsened"] == {"sst": {"of": 4, "rows": 2, "wrong_labels": 1}}
    assert "2 of 4 training rows, 1 with a wrong label" in (results("prepare") / "report.md").read_text()
