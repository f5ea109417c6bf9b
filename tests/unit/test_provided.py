"""Which tasks a source has, told before anything is fetched."""

from pathlib import Path

import pytest

from protomtl.data.starter import SNIPPETS
from protomtl.params import load
from tests.support.params import SST, WHOLE, written

OWN = {**SST, "files": {split: f"mine-{split}.csv" for split in ("train", "dev", "test")}}


def with_task(folder: Path, source: str, name: str, task: dict[str, object]) -> Path:
    data, tasks = {**WHOLE["data"], "source": source}, {**WHOLE["tasks"], name: task}
    return written(folder, {**WHOLE, "data": data, "tasks": tasks})


def test_the_starter_data_have_tasks_of_fixed_names(tmp_path: Path) -> None:
    message = "params.yaml: tasks: the starter data has no mood; it has amazon, editorial, para, sst, sts, tweets; "
    with pytest.raises(SystemExit, match=message + "`data.source: folder`"):
        load(with_task(tmp_path, "starter", "mood", SST))
    for name in SNIPPETS:
        load(with_task(tmp_path, "starter", name, SST))


def test_the_papers_splits_have_files_of_fixed_names(tmp_path: Path) -> None:
    message = "params.yaml: tasks.mood.files.train: mine-train.csv: the paper's splits have no such file; `data.source"
    with pytest.raises(SystemExit, match=message):
        load(with_task(tmp_path, "cs224n", "mood", OWN))
    load(with_task(tmp_path, "cs224n", "mood", SST))


def test_own_files_have_any_name(tmp_path: Path) -> None:
    load(with_task(tmp_path, "folder", "mood", OWN))
