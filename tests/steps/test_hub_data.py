"""The step `download`: data sets of the Hugging Face hub, and those that `datasets` has saved in a folder."""

import csv
from pathlib import Path
from typing import Any

import datasets
import huggingface_hub
import pytest
from datasets import ClassLabel, Dataset, Features, Sequence, Value

from protomtl.core.settings import SPLITS
from protomtl.data.readers import Row, read_table
from protomtl.sources import hub_data
from protomtl.steps import download
from protomtl.tasks.settings import Files, Task

COMMIT = "0123456789abcdef0123456789abcdef01234567"
ROWS: dict[str, list[Any]] = {
    "text": ['A "great" film,\nreally.', "Ein Fehlgriff – öde.", "none of it"],
    "mood": [1, 0, -1],
    "topics": [[0], [0, 1], []],
    "stars": [4.5, 1.0, None],
    "more": [{"a": 1}, {"a": 2}, {"a": 3}],
}
FEATURES = Features(
    {
        "text": Value("string"),
        "mood": ClassLabel(names=["cold", "warm"]),
        "topics": Sequence(ClassLabel(names=["plot", "cast"])),
        "stars": Value("float64"),
        "more": {"a": Value("int64")},
    }
)


def dataset() -> Dataset:
    return Dataset.from_dict(ROWS, features=FEATURES)


def task(label: str, train: str = "train", **more: Any) -> Task:
    files = Files(train=train, dev=train.replace("train", "validation"), test=train.replace("train", "test"))
    return Task(texts=["text"], label=label, files=files, **({"kind": "binary", "classes": ["cold", "warm"]} | more))


def saved(folder: Path) -> Path:
    for split in ("train", "validation", "test"):
        dataset().save_to_disk(folder / split)
    return folder


def lines(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return [*csv.reader(file)]


def test_a_saved_data_set_becomes_files_with_the_columns_of_the_tasks_and_the_names_of_classes(tmp_path: Path) -> None:
    topics = task("topics", kind="multilabel", classes=["plot", "cast"])
    tasks = {"mood": task("mood"), "topics": topics}
    download.own_files(saved(tmp_path / "own"), tasks, tmp_path / "raw")
    assert lines(tmp_path / "raw" / "train") == [
        ["text", "mood", "topics"],
        ['A "great" film,\nreally.', "warm", "plot"],
        ["Ein Fehlgriff – öde.", "cold", "plot; cast"],
        ["none of it", "", ""],  # -1: not public
    ]
    read = list(read_table(tmp_path / "raw" / "test", topics, labelled=True))
    assert [row.label for row in read if isinstance(row, Row)] == [1, 3, 0]


def test_numbers_stay_numbers_and_none_is_nothing(tmp_path: Path) -> None:
    stars = task("stars", kind="regression", classes=None, range=(0, 5))
    download.own_files(saved(tmp_path / "own"), {"stars": stars}, tmp_path / "raw")
    assert [row[1] for row in lines(tmp_path / "raw" / "train")] == ["stars", "4.5", "1.0", ""]


def test_a_column_that_is_neither_text_nor_number_is_refused_with_its_row(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"train: row 1: column 'more': is neither text nor number"):
        download.own_files(saved(tmp_path / "own"), {"more": task("more")}, tmp_path / "raw")


def test_a_saved_data_set_that_is_not_whole_is_named(tmp_path: Path) -> None:
    own = saved(tmp_path / "own")
    (own / "validation" / "data-00000-of-00001.arrow").unlink()
    with pytest.raises(SystemExit, match=r"validation: `datasets` cannot read it"):
        download.own_files(own, {"mood": task("mood")}, tmp_path / "raw")


def test_a_split_of_the_hub_is_fetched_at_its_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def load(*args: Any, **more: Any) -> Dataset:
        asked.append((*args, *more.values()))
        return dataset()

    monkeypatch.setattr(datasets, "load_dataset", load)
    tasks = {"mood": task("mood", f"some-org/reviews:small@{COMMIT}/train")}
    download.hub(tasks, tmp_path / "raw")
    assert asked == [("some-org/reviews", "small", split, COMMIT) for split in ("train", "validation", "test")]
    for split in SPLITS:
        assert len([*read_table(tmp_path / "raw" / getattr(tasks["mood"].files, split), tasks["mood"], False)]) == 3


def test_a_data_set_without_its_commit_is_refused_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Api:
        def dataset_info(self, name: str) -> Any:
            return type("Info", (), {"sha": COMMIT})

    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    with pytest.raises(SystemExit, match=rf"tasks\.mood\.files\.train: .*write: some-org/reviews:small@{COMMIT}/train"):
        download.hub({"mood": task("mood", "some-org/reviews:small/train")}, tmp_path / "raw")


@pytest.mark.parametrize("error", [ConnectionError("no route"), ValueError('Unknown split "training"')])
def test_what_the_hub_does_not_give_is_one_line(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(datasets, "load_dataset", fail)
    with pytest.raises(SystemExit, match=rf"tasks\.mood\.files\.train: could not fetch .*{error}"):
        download.hub({"mood": task("mood", f"some-org/reviews@{COMMIT}/train")}, tmp_path / "raw")


def test_a_hub_out_of_reach_is_said_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")  # nobody listens there
    with pytest.raises(SystemExit, match=r"could not fetch .*: the hub was not reached: .*\nWithout a network"):
        download.hub({"mood": task("mood", "some-org/reviews/train")}, tmp_path / "raw")


@pytest.mark.parametrize("name", ["train", "reviews/train", "some-org/reviews@main/train", "a/b/c/train"])
def test_what_names_no_split_of_the_hub_is_refused_with_the_shape(name: str, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"tasks\.mood\.files\.train: .*write ORG/NAME/SPLIT"):
        download.hub({"mood": task("mood", name)}, tmp_path / "raw")


def test_without_the_library_the_message_says_how_to_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(SystemExit, match=r"own/train: needs the library datasets: pip install 'protomtl\[hub\]'"):
        hub_data.library("own/train")
