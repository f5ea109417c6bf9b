"""The pipeline's own outputs: the old or the new is whole at every instant, also with two writers."""

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from protomtl.core import files, runner
from protomtl.core.files import atomic, write_json
from protomtl.core.paths import real

DEAD = 2**22 + 1  # no process has such a number


def make(part: Path, text: str, folder: bool) -> None:
    if folder:
        part.mkdir()
    (part / "file" if folder else part).write_text(text)


def text_of(path: Path) -> str:
    return (path / "file" if path.is_dir() else path).read_text()


@pytest.mark.parametrize("folder", [False, True])
@pytest.mark.parametrize("exchange", [None, lambda a, b: False])
def test_of_two_writers_each_writes_the_whole_and_the_last_one_wins(
    folder: bool, exchange: Callable[[Path, Path], bool] | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if exchange:
        monkeypatch.setattr(files, "exchanged", exchange)
    with atomic(tmp_path / "out") as first, atomic(tmp_path / "out") as second:
        make(first, "first", folder)
        make(second, "second", folder)
        assert first != second and not (tmp_path / "out").exists()
    assert text_of(tmp_path / "out") == "first" and len(list(tmp_path.iterdir())) == 1


def test_a_folder_that_cannot_be_renamed_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a lower layer of an overlay."""
    make(out := tmp_path / "out", "old", True)
    rename = Path.replace

    def refuse(path: Path, to: Path) -> Path:
        if path == out:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return rename(path, to)

    monkeypatch.setattr(files, "exchanged", lambda a, b: False)
    monkeypatch.setattr(Path, "replace", refuse)
    with atomic(out) as part:
        make(part, "new", True)
    assert text_of(out) == "new" and [*tmp_path.iterdir()] == [out]


@pytest.mark.parametrize("folder", [False, True])
def test_a_failure_leaves_the_old(folder: bool, tmp_path: Path) -> None:
    make(tmp_path / "out", "old", folder)
    with pytest.raises(KeyError), atomic(tmp_path / "out") as part:
        make(part, "half", folder)
        raise KeyError
    assert text_of(tmp_path / "out") == "old" and len(list(tmp_path.iterdir())) == 1


def test_what_a_killed_writer_left_goes_and_what_a_living_one_writes_stays(tmp_path: Path) -> None:
    living = files.part_of(tmp_path / "out")
    dead = tmp_path / living.name.replace(f"-{os.getpid()}-", f"-{DEAD}-")
    for path in (living, dead, tmp_path / "out.mine.part"):
        path.write_text("")
    with atomic(tmp_path / "out") as part:
        part.write_text("new")
    assert {path.name for path in tmp_path.iterdir()} == {"out", living.name, "out.mine.part"}


def test_json_is_utf_8_in_any_locale(tmp_path: Path) -> None:
    write_json(tmp_path / "here.json", {"größe": "🎬"})
    code = "import sys; from protomtl.core.files import write_json; write_json(sys.argv[1], {'größe': '🎬'})"
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    code = code.encode("unicode_escape").decode()
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    subprocess.run([sys.executable, "-c", code, tmp_path / "there.json"], env=environment, check=True)
    assert (tmp_path / "there.json").read_bytes() == (tmp_path / "here.json").read_bytes()
    assert json.loads((tmp_path / "here.json").read_text(encoding="utf-8")) == {"größe": "🎬"}


def test_json_has_no_word_for_what_is_no_number(tmp_path: Path) -> None:
    nan, infinity = float("nan"), float("inf")
    write_json(tmp_path / "out", {"a": [nan, 1.5, {"b": -infinity}], "c": (infinity, "nan", None, True)})
    assert (tmp_path / "out").read_text().count("null") == 4
    assert files.read_json(tmp_path / "out") == {"a": [None, 1.5, {"b": None}], "c": [None, "nan", None, True]}


def test_csv_has_an_empty_field_for_what_is_no_number(tmp_path: Path) -> None:
    files.write_csv(tmp_path / "out", [{"a": 1, "b": float("nan")}, {"a": 0.5, "b": float("-inf")}])
    assert (tmp_path / "out").read_text() == "a,b\n1,\n0.5,\n"


@pytest.mark.parametrize("content", [b"", b'{"a": 1', b"\xff", b"[" * 100_000])
def test_damaged_json_is_named_in_one_line(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "in.json").write_bytes(content)
    with pytest.raises(SystemExit, match=r"in\.json: damaged, no valid JSON: .*; make it again$"):
        files.read_json(tmp_path / "in.json")


@pytest.mark.parametrize("content", ["[]", "null", "3", '"a"'])
def test_json_that_is_no_object_is_no_record(content: str, tmp_path: Path) -> None:
    (tmp_path / "in.json").write_text(content)
    with pytest.raises(SystemExit, match=r"in\.json: damaged, no JSON object; make it again$"):
        files.read_record(tmp_path / "in.json")


def test_no_process_has_a_number_beyond_all_numbers() -> None:
    """As a damaged lock of DVC may have it."""
    assert files.is_running(os.getpid()) and not files.is_running(10**30)


def test_a_link_that_leads_to_itself_is_a_path_like_others(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    assert real(tmp_path / "loop/in") == tmp_path.resolve() / "loop/in"
    assert real(tmp_path / "a/..") == tmp_path.resolve()


def test_paths_of_users_are_followed_by_one_function() -> None:
    """`Path.resolve` raises RuntimeError for such a link, which nobody catches. Left: where this is wanted, and
    folders that were looked into already."""
    allowed = {
        "core/users_files.py",
        "inference/hub.py",
        "__main__.py",
        "own_data/writing.py",
        "steps/report/model_page.py",
    }
    found = [p for p in runner.PACKAGE.rglob("*.py") if ".resolve()" in p.read_text(encoding="utf-8")]
    assert {p.relative_to(runner.PACKAGE).as_posix() for p in found} <= allowed
