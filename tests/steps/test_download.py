"""The step `download`: data arrive whole, or the former ones stay."""

import hashlib
import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from protomtl.core.paths import RAW, TREES
from protomtl.core.settings import SPLITS, Data
from protomtl.data.starter import SNIPPETS
from protomtl.sources import catalogue, fetch
from protomtl.sources.catalogue import PAIRS, RATINGS, FileSet
from protomtl.steps import download
from protomtl.tasks.settings import Files, Task
from tests.support.params import UNTOUCHED
from tests.support.sources import files_in, make_mirror

CS224N_NAMES = [
    "ids-sst-train.csv",
    "ids-sst-dev.csv",
    "ids-sst-test.csv",
    "quora-train.csv",
    "quora-dev.csv",
    "quora-test.csv",
    "sts-train.csv",
    "sts-dev.csv",
    "sts-test.csv",
]
SST = Task(
    kind="classification",
    classes=5,
    texts=["sentence"],
    label="sentiment",
    files=Files(train="sst/train.csv", dev="sst/dev.csv", test="sst/test.csv"),
)


# --- download


def data(source: str, mirror: str = "", folder: str = "data/own", elsewhere: bool = False) -> Data:
    return Data.model_validate(
        {
            "source": source,
            "mirror": mirror,
            "elsewhere": elsewhere,
            "folder": folder,
            "on_bad_row": "error",
            "split_seed": 1,
            "max_train_rows": 0,
            "worsened": UNTOUCHED,
        }
    )


def test_the_starter_data_are_the_files_of_two_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that `prepare` reads, each in both of its places, whatever the tasks."""
    assert set(SNIPPETS.values()) == set(RATINGS.sha256)
    assert set(PAIRS.sha256) == {f"sts-{split}.csv" for split in SPLITS}
    asked: list[FileSet] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(fetch, "files", lambda wanted, target: asked.append(wanted))
    download.run(data("starter"), {"sst": SST})
    assert asked == [RATINGS, PAIRS]


def make_own(folder: Path) -> Path:
    (folder / "sst").mkdir(parents=True)
    for split in ("train", "dev", "test"):
        (folder / "sst" / f"{split}.csv").write_text(f"content of {split}")
    return folder


def test_own_files_are_copied_under_the_names_of_the_task(tmp_path: Path) -> None:
    download.own_files(make_own(tmp_path / "own"), {"sst": SST}, tmp_path / "raw")
    assert files_in(tmp_path / "raw" / "sst") == ["dev.csv", "test.csv", "train.csv"]
    assert (tmp_path / "raw" / "sst" / "dev.csv").read_text() == "content of dev"


def test_a_missing_file_of_ones_own_is_named_with_the_key_that_names_it(tmp_path: Path) -> None:
    own = make_own(tmp_path / "own")
    (own / "sst" / "dev.csv").unlink()
    with pytest.raises(SystemExit) as caught:
        download.own_files(own, {"sst": SST}, tmp_path / "raw")
    assert f"{own / 'sst' / 'dev.csv'}: no such file" in str(caught.value)
    assert "tasks.sst.files.dev" in str(caught.value)


@pytest.mark.parametrize("folder", ["data/raw", "data/raw/mine", "data/../data/raw"])
def test_files_are_not_taken_from_where_they_are_written(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    make_own(Path(folder).resolve())
    Path("data/raw/thesis.txt").write_text("mine")
    with pytest.raises(SystemExit, match=r"data\.folder: .*is where this step writes"):
        download.run(data("folder", folder=folder), {"sst": SST})
    assert Path("data/raw/thesis.txt").read_text() == "mine"


@pytest.mark.parametrize("name", ["../train.csv", "/train.csv", "sst/../../train.csv", "..", ""])
def test_a_file_outside_of_the_folder_is_refused_before_anything_is_copied(name: str) -> None:
    with pytest.raises(ValidationError, match=r"train\n.*must be a file's path within data\.folder"):
        Files(train=name, dev="dev.csv", test="test.csv")


def test_tasks_may_share_a_file(tmp_path: Path) -> None:
    download.own_files(make_own(tmp_path / "own"), {"sst": SST, "again": SST}, tmp_path / "raw")
    assert files_in(tmp_path / "raw" / "sst") == ["dev.csv", "test.csv", "train.csv"]


@pytest.mark.parametrize("by", ["data.mirror", "PROTOMTL_MIRROR"])
def test_the_course_data_come_from_the_mirror(by: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    make_mirror(tmp_path / "mirror", CS224N_NAMES)
    mirror = "~/mirror"  # no dependency: ours to expand
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PROTOMTL_MIRROR", mirror if by == "PROTOMTL_MIRROR" else "")
    download.run(data("cs224n", mirror=mirror if by == "data.mirror" else ""), {"sst": SST})
    assert files_in(RAW) == sorted(CS224N_NAMES)
    assert all((RAW / name).read_text() == f"content of {name}\n" for name in CS224N_NAMES)


ROWS = [{"idx": 0, "sentence": "schön", "label": 1}]
LISTS = json.dumps(ROWS, indent=0, ensure_ascii=False)


def test_test_sets_from_elsewhere_come_from_another_mirror_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = [*catalogue.ELSEWHERE, *catalogue.ADVGLUE_LISTS]
    folders = make_mirror(tmp_path / "course", CS224N_NAMES), make_mirror(tmp_path / "others", others)
    monkeypatch.chdir(tmp_path)
    download.run(data("cs224n", mirror=":".join(map(str, folders)), elsewhere=True), {"sst": SST})
    assert files_in(RAW) == sorted([*CS224N_NAMES, *others])
    with pytest.raises(SystemExit, match=r"course/sick-test.tsv: no such file in the mirror"):
        download.run(data("cs224n", mirror=str(folders[0]), elsewhere=True), {"sst": SST})


def test_test_sets_from_elsewhere_are_checked_lists_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def url(address: str, target: Path, checksum: str) -> None:
        asked.append((address, checksum))
        target.write_text(json.dumps({"sst2": ROWS, "qqp": ROWS, "mnli": []}))

    asked: list[tuple[str, str]] = []
    monkeypatch.setattr(fetch, "url", url)
    with pytest.raises(SystemExit, match=r"adversarial-glue/.*dev.json: sst2: wrong checksum"):
        download.elsewhere(tmp_path, "")
    digest = hashlib.sha256(LISTS.encode()).hexdigest()
    known = {name: (key, digest) for name, (key, _) in catalogue.ADVGLUE_LISTS.items()}
    monkeypatch.setattr(download, "ADVGLUE_LISTS", known)
    download.elsewhere(tmp_path, "")
    assert (tmp_path / "advglue-qqp-dev.json").read_text() == LISTS
    assert files_in(tmp_path) == sorted([*catalogue.ELSEWHERE, *known])
    assert {*asked} == {*catalogue.ELSEWHERE.values(), catalogue.ADVGLUE}
    assert all(address.startswith("https://raw.githubusercontent.com/") for address, _ in asked)


PHRASES = SST.model_copy(update={"files": Files(train=TREES, dev="ids-sst-dev.csv", test="ids-sst-test.csv")})


def test_training_trees_come_from_a_mirror_folder_where_a_task_names_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = make_mirror(tmp_path / "course", CS224N_NAMES), make_mirror(tmp_path / "trees", ["train.txt"])
    monkeypatch.chdir(tmp_path)
    mirror = ":".join(map(str, folders))
    download.run(data("cs224n", mirror=mirror), {"sst": SST})
    assert files_in(RAW) == sorted(CS224N_NAMES)
    download.run(data("cs224n", mirror=mirror), {"sst": SST, "phrases": PHRASES})
    assert files_in(RAW) == sorted([*CS224N_NAMES, TREES])
    assert (RAW / TREES).read_text() == "content of train.txt\n"
    (folders[1] / "train.txt").write_text("other trees")
    with pytest.raises(SystemExit, match=r"trees/train.txt: wrong checksum"):
        download.run(data("cs224n", mirror=mirror), {"phrases": PHRASES})
    with pytest.raises(SystemExit, match=r"course/train.txt: no such file in the mirror; it needs train.txt"):
        download.run(data("cs224n", mirror=str(folders[0])), {"phrases": PHRASES})


def test_training_trees_are_fetched_from_a_commit_and_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, Path, str]] = []
    monkeypatch.setattr(fetch, "url", lambda *what: asked.append(what))
    download.trees(tmp_path, "")
    ((address, target, checksum),) = asked
    assert address.startswith("https://raw.githubusercontent.com/prrao87/fine-grained-sentiment/a4401669eecbe9dda4")
    assert target == tmp_path / TREES and len(checksum) == 64


def test_the_mirror_of_the_parameters_goes_before_that_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PROTOMTL_MIRROR", str(tmp_path / "nowhere"))
    download.run(data("cs224n", mirror=str(make_mirror(tmp_path / "mirror", CS224N_NAMES))), {"sst": SST})
    assert files_in(RAW) == sorted(CS224N_NAMES)


def test_a_download_that_fails_leaves_the_former_data_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror = make_mirror(tmp_path / "mirror", CS224N_NAMES)
    monkeypatch.chdir(tmp_path)
    download.run(data("cs224n", mirror=str(mirror)), {"sst": SST})
    (mirror / "ids-sst-train.csv").write_text("a new, sound first file")
    sums = [f"{hashlib.sha256((mirror / name).read_bytes()).hexdigest()}  {name}\n" for name in CS224N_NAMES[:-1]]
    (mirror / "SHA256SUMS").write_text("".join(sums))  # the last file has no checksum any more
    with pytest.raises(SystemExit, match=r"no line for sts-test\.csv"):
        download.run(data("cs224n", mirror=str(mirror)), {"sst": SST})
    assert files_in(Path("data")) == sorted(CS224N_NAMES)
    assert all((RAW / name).read_text() == f"content of {name}\n" for name in CS224N_NAMES)


def test_a_download_removes_what_an_earlier_one_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = make_own(tmp_path / "own")
    monkeypatch.chdir(tmp_path)
    RAW.mkdir(parents=True)
    (RAW / "old.csv").write_text("of another source")
    download.run(data("folder", folder=str(own)), {"sst": SST})
    assert files_in(RAW) == ["dev.csv", "test.csv", "train.csv"]
