"""Whichever call of a write fails or is the last one of its process: the old or the new is whole, and work goes on."""

import errno
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import pytest

from protomtl.core import files
from protomtl.core.files import atomic, write_json
from protomtl.core.users_files import BadPath, users_file, users_folder
from tests.support.faulty import ERRORS, KILLED, Faults, faulty, in_a_process


class Case(NamedTuple):
    """How something is written into a folder, and read from it, after `settle`; `others` stay, whatever happens."""

    write: Callable[[Path, str], object]
    read: Callable[[Path], str | None]
    settle: Callable[[Path], object] = lambda folder: None
    others: tuple[str, ...] = ()


def text_of(path: Path) -> str | None:
    """What a file says, or all files of a folder, which must agree."""
    if not path.exists():
        return None
    said = (
        {p.read_text() for p in path.rglob("*") if p.name not in ("mine", "mark")}
        if path.is_dir()
        else {path.read_text()}
    )
    return said.pop() if len(said) == 1 else "half"


def json_file(folder: Path, text: str) -> None:
    write_json(folder / "new/out.json", [text] * 3)


def json_text(folder: Path) -> str | None:
    path = folder / "new/out.json"
    return files.read_json(path)[2] if path.exists() else None


def fill(part: Path, text: str) -> None:
    part.mkdir(exist_ok=True)
    for name in "ab":
        (part / name).write_text(text)


def output_folder(folder: Path, text: str) -> None:
    with atomic(folder / "out") as part:
        fill(part, text)


def without_exchange(folder: Path, text: str) -> None:
    with mock.patch.object(files, "exchanged", lambda a, b: False):
        output_folder(folder, text)


def in_a_lower_layer(folder: Path, text: str) -> None:
    """Of an overlay, where a folder can neither be exchanged nor renamed."""
    replace = os.replace

    def refuse(old: Path, new: Path) -> None:
        if Path(old).name == "out":
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        replace(old, new)

    with mock.patch.object(os, "replace", refuse):
        without_exchange(folder, text)


def a_run_that_fails(folder: Path) -> None:
    """Where names cannot be exchanged, a kill may leave neither in its place; whoever writes next finishes that."""
    with suppress(KeyError), atomic(folder / "out"):
        raise KeyError


def output(folder: Path) -> str | None:
    return text_of(folder / "out")


def named_file(folder: Path, text: str) -> None:
    with users_file(folder / "out") as part:
        part.write_text(text)


def link_to_a_file(folder: Path, text: str) -> None:
    (folder / "to").mkdir(exist_ok=True)
    if not (folder / "link").is_symlink():
        (folder / "link").symlink_to("to/out")
    with users_file(folder / "link") as part:
        part.write_text(text)


def export(folder: Path, text: str) -> None:
    """Over an older one, which has a file of the user's."""
    with users_folder(folder / "out", "mark", ["a"]) as part:
        fill(part, text)
        (part / "mark").write_text("")
    (folder / "out/mine").write_text("mine")


CASES = {
    "a JSON file": Case(json_file, json_text),
    "a folder": Case(output_folder, output),
    "a folder without exchange": Case(without_exchange, output, a_run_that_fails),
    "a folder in a lower layer": Case(in_a_lower_layer, output, a_run_that_fails),
    "a user's file": Case(named_file, output),
    "a file behind a link": Case(link_to_a_file, lambda folder: text_of(folder / "to/out")),
    "an export": Case(export, output, others=("out/mine",)),
}
NEW = ("a JSON file", "a folder", "a user's file", "an export")  # where nothing was before
WAYS = {"killed": (None, False), "once": (0, False), "from then on": (0, True)}


def was_struck(write: Callable[[], object], faults: Faults) -> bool:
    """Whether the process ended, or the error reached whoever wrote."""
    if faults.error is None:
        return in_a_process(write, faults) == KILLED
    try:
        with faulty(faults):
            write()
    except (OSError, BadPath):
        return True
    return False


@pytest.mark.parametrize(("name", "older"), [*((name, True) for name in CASES), *((name, False) for name in NEW)])
def test_the_old_or_the_new_is_whole_and_the_next_run_goes_on(
    name: str, older: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)  # it is slow, and nobody pulls the plug
    monkeypatch.setattr(files, "is_running", lambda _: False)  # what failed here is of a process that has ended
    case = CASES[name]
    before = tmp_path / "before"
    before.mkdir()
    if older:
        case.write(before, "old")
    whole = Path(shutil.copytree(before, tmp_path / "whole", symlinks=True))
    with faulty(Faults()) as counted:
        case.write(whole, "new")
    names = {path.relative_to(whole) for path in whole.rglob("*")}
    struck = 0
    for at, (error, lasting) in product(range(1, len(counted.calls) + 1), WAYS.values()):
        folder = Path(shutil.copytree(before, tmp_path / "folder", symlinks=True))
        faults = Faults(at, None if error is None else ERRORS[at % len(ERRORS)], lasting)
        struck += was_struck(lambda at=folder: case.write(at, "new"), faults)  # type: ignore[misc]
        where = f"{counted.calls[at - 1]}, call {at} of {counted.calls}"
        case.settle(folder)
        assert case.read(folder) in ("new", "old" if older else None), where
        assert all((folder / other).exists() for other in case.others if older), where
        case.write(folder, "newer")
        assert case.read(folder) == "newer", where
        assert {path.relative_to(folder) for path in folder.rglob("*")} == names, where
        shutil.rmtree(folder)
    capsys.readouterr()
    print(f"{name}: {struck} faults in {len(counted.calls)} calls")
    assert struck > 2 * len(counted.calls)  # a few failures do no harm, such as of what is cleaned
