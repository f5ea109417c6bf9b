"""Paths that a user names: nothing that is there is lost without a word."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from protomtl.core.files import tag
from protomtl.core.users_files import BadPath, users_file, users_folder, users_target


def write(path: Path, text: str = "new") -> None:
    with users_file(path) as part:
        part.write_text(text)


def test_a_new_file_in_a_new_folder_and_one_that_is_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a/b/out.csv"
    write(path, "one")
    assert path.read_text() == "one" and capsys.readouterr().err == ""
    path.chmod(0o600)
    write(path, "two")
    assert path.read_text() == "two" and capsys.readouterr().err == f"{path}: replaced\n"
    assert path.stat().st_mode & 0o777 == 0o600 and [*path.parent.iterdir()] == [path]


def test_a_link_stays_and_its_target_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "to").mkdir()
    (tmp_path / "to/old.csv").write_text("old")
    for name, target in (("old", "to/old.csv"), ("again", "old"), ("dangling", "to/new.csv")):
        (tmp_path / name).symlink_to(target)
        write(tmp_path / name, name)
        assert (tmp_path / name).is_symlink() and (tmp_path / name).read_text() == name
    assert (tmp_path / "to/old.csv").read_text() == "again" and (tmp_path / "to/new.csv").read_text() == "dangling"


def loop(path: Path) -> None:
    path.symlink_to(path)


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "a folder": (lambda path: path.mkdir(), "is a folder; name a file"),
    "a link to a folder": (lambda path: path.symlink_to(path.parent), "is a folder; name a file"),
    "a device": (lambda path: path.symlink_to("/dev/null"), "is no ordinary file"),
    "a pipe": (os.mkfifo, "is no ordinary file"),
    "a loop of links": (loop, "name another place"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_file_is_refused_and_stays(name: str, tmp_path: Path) -> None:
    make, message = BAD[name]
    make(path := tmp_path / "out.csv")
    before = path.lstat()
    with pytest.raises(BadPath, match=message):
        users_target(path)
    with pytest.raises(BadPath, match=message):
        write(path)
    assert path.lstat().st_ino == before.st_ino and [*tmp_path.iterdir()] == [path]


def test_a_file_within_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(BadPath, match=r"out\.csv: (Not a directory|File exists); name another place"):
        write(tmp_path / "file/out.csv")
    assert (tmp_path / "file").read_text() == "mine"


def test_a_failure_leaves_the_old_file_and_nothing_beside(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(KeyError), users_file(tmp_path / "out") as part:
        part.write_text("half")
        raise KeyError
    assert [p.read_text() for p in tmp_path.iterdir()] == ["mine"]


def test_a_file_named_as_a_temporary_one_is_no_temporary_one(tmp_path: Path) -> None:
    (tmp_path / "out.part").write_text("mine")
    write(tmp_path / "out")
    assert (tmp_path / "out.part").read_text() == "mine"


@pytest.mark.parametrize("there", ["a file", "a folder of another kind", "the current folder"])
def test_a_folder_that_is_not_ours_is_refused(there: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, monk = tmp_path / "taken", monkeypatch
    if there == "a file":
        path.write_text("mine")
    else:
        path.mkdir()
        (path / ("thesis.txt" if there == "a folder of another kind" else "mark")).write_text("mine")
    if there == "the current folder":
        monk.chdir(path)
    with pytest.raises(BadPath, match="taken: is "), users_folder(path, "mark", []):
        raise AssertionError
    assert [*tmp_path.iterdir()] == [path]


def test_what_the_block_raises_is_what_the_caller_sees(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="out of memory"), users_folder(tmp_path / "new", "mark", []) as part:
        part.mkdir()
        raise RuntimeError("out of memory")
    assert [*tmp_path.iterdir()] == []


def test_a_read_only_file_is_replaced_by_force_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (path := tmp_path / "out").write_text("mine")
    path.chmod(0o444)
    monkeypatch.setattr(os, "access", lambda path, mode: bool(Path(path).stat().st_mode & 0o200))  # root may all
    with pytest.raises(BadPath, match="out: is read-only; name another file, or replace it by --force"):
        write(path)
    with users_file(path, force=True) as part:
        part.write_text("new")
    assert path.read_text() == "new" and capsys.readouterr().err == f"{path}: replaced\n"
    path.unlink()
    path.mkdir()
    with pytest.raises(BadPath, match="is a folder"), users_file(path, force=True):
        raise AssertionError


def test_by_force_an_export_joins_what_is_in_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "taken"
    for name in ("thesis.txt", "README.md", "a/b"):
        (path / name).parent.mkdir(exist_ok=True, parents=True)
        (path / name).write_text("mine")
    with pytest.raises(BadPath, match="choose an empty or a new folder, or --force"), users_folder(path, "mark", []):
        raise AssertionError
    with users_folder(path, "mark", ["*"], force=True) as part:
        part.mkdir()
        for name in ("mark", "README.md"):
            (part / name).write_text("new")
    found = {str(p.relative_to(path)): p.read_text() for p in path.rglob("*") if p.is_file()}
    assert found == {"thesis.txt": "mine", "a/b": "mine", "README.md": "new", "mark": "new"}
    assert capsys.readouterr().err == f"{path}: replaced README.md; what else is in the folder stays\n"


def test_of_an_older_export_what_is_ours_goes_from_its_folders_and_nothing_else(tmp_path: Path) -> None:
    """Also from folders that the new one has not; such a one stays for what else is in it."""
    ours = ("graphs/*.onnx", "graphs/heads/*.onnx", "pooling/config.json")
    mine = ("graphs/notes.txt", "pooling/why.md", "others/old.onnx")
    older = ("mark", "graphs/old.onnx", "graphs/heads/old.onnx", "pooling/config.json", *mine)
    new = ("mark", "graphs/new.onnx", "others/new.onnx")
    for name in older:
        (tmp_path / "model" / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / "model" / name).write_text("older")
    with users_folder(tmp_path / "model", "mark", ours) as part:
        for name in new:
            (part / name).parent.mkdir(exist_ok=True, parents=True)
            (part / name).write_text("new")
    found = {str(p.relative_to(tmp_path / "model")) for p in (tmp_path / "model").rglob("*")}
    assert found == {*new, *mine, "graphs", "pooling", "others"}


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_new_files_have_the_mode_that_the_umask_gives(umask: int, tmp_path: Path) -> None:
    before = os.umask(umask)
    try:
        write(tmp_path / "file")
        with users_folder(tmp_path / "folder", "mark", []) as part:
            part.mkdir()
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o666 & ~umask
    assert (tmp_path / "folder").stat().st_mode & 0o777 == 0o777 & ~umask


def test_what_a_killed_writer_left_goes(tmp_path: Path) -> None:
    dead = tmp_path / f".protomtl-{tag()}".replace(f"-{os.getpid()}-", "-4194305-")
    for folder in (dead, tmp_path / ".protomtl-mine", living := tmp_path / f".protomtl-{tag()}"):
        folder.mkdir()
    write(tmp_path / "out")
    assert {path.name for path in tmp_path.iterdir()} == {"out", ".protomtl-mine", living.name}
