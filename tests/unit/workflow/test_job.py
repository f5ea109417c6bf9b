"""What a job reads and writes of dvc.lock is what DVC reads and writes; where it might not be, DVC does it."""

import importlib
import io
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from dvc.utils.serialize import dumps_yaml, parse_yaml
from dvc.utils.serialize._yaml import _dump, parse_yaml_for_update
from hypothesis import given
from hypothesis import strategies as st

from tests.support import ROOT

NAMES = st.sampled_from(["tasks", "embed", "find@a", "find@a-1", "find@a-12", "params", "on", "1"])
WORDS = st.text(max_size=100) | st.sampled_from(
    ["embed:", "\nstages:\n  embed:\n", "# no comment", "&id001", "on", "1e3"]
)
VALUES = st.recursive(
    WORDS | st.integers() | st.booleans() | st.none(), lambda inner: st.lists(inner, max_size=3), max_leaves=5
)
STAGES = st.fixed_dictionaries({"cmd": WORDS, "params": st.dictionaries(NAMES, VALUES, max_size=3)})


@pytest.fixture(scope="module")
def job() -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "workflow"))
        return importlib.import_module("bridge.job")


def lock(stages: dict[str, Any]) -> str:
    return dumps_yaml({"schema": "2.0", "stages": stages})


def by_dvc(text: str, name: str, stage: Any) -> str:
    """What DVC makes of the file: all of it is read, and all of it is written."""
    content = parse_yaml_for_update(text, "dvc.lock")
    content["stages"].update({name: stage})
    stream = io.StringIO()
    _dump(content, stream)
    return stream.getvalue()


@given(before=st.dictionaries(NAMES, STAGES, min_size=1, max_size=4), name=NAMES, stage=STAGES)
def test_a_stage_in_the_lock_has_the_bytes_that_dvc_writes(job: ModuleType, before: Any, name: str, stage: Any) -> None:
    text = lock(before)
    found = job.with_stage(text, name, dumps_yaml({"stages": {name: stage}}))
    assert found in (None, by_dvc(text, name, stage))


def test_a_known_stage_keeps_its_place_and_a_new_one_is_the_last(job: ModuleType) -> None:
    before = {"clean": {"cmd": "a"}, "find@a": {"cmd": "b", "params": {"clean": 1}}, "report": {"cmd": "c"}}
    for name in (*before, "find@b"):
        after = before | {name: {"cmd": "new", "outs": [{"path": "out"}]}}
        assert job.with_stage(lock(before), name, dumps_yaml({"stages": {name: after[name]}})) == lock(after)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "schema: '2.0'\nstages:\n  a:\n    cmd: x",  # cut off
        "schema: '2.0'\nstages:\n  a:\n    cmd: x\ndatasets:\n- name: d\n",
        "<<<<<<< HEAD\nschema: '2.0'\nstages:\n  a:\n    cmd: x\n",
        "schema: '2.0'\nstages:\n  'a':\n    cmd: x\n",
        "schema: '2.0'\nstages:\n  a: {cmd: x}\n",
        "schema: '2.0'\nstages: {}\n",
    ],
)
def test_a_lock_of_another_form_is_left_to_dvc(job: ModuleType, text: str) -> None:
    assert job.with_stage(text, "a", "stages:\n  a:\n    cmd: y\n") is None


@given(stages=st.dictionaries(NAMES, STAGES, min_size=1, max_size=4), names=st.lists(NAMES, max_size=2, unique=True))
def test_of_a_lock_the_stages_that_are_named_are_read_as_dvc_reads_them(
    job: ModuleType, stages: Any, names: list[str]
) -> None:
    text = lock(stages)
    if (found := job.of_stages(text, ["repro", *names])) is not None:
        whole = parse_yaml(text, "dvc.lock")["stages"]
        assert parse_yaml(found, "dvc.lock")["stages"] == {name: whole[name] for name in names if name in whole}


@pytest.mark.parametrize("words", [["repro", "a"], ["repro", "--single-item", "--pull", "a"], ["status"]])
def test_a_command_that_needs_other_stages_reads_all(
    job: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    (path := tmp_path / "dvc.lock").write_text(lock({"a": {"cmd": "x"}}))
    monkeypatch.setattr(job, "everything", lambda lockfile, **options: ("all", options))
    monkeypatch.setattr(sys, "argv", ["job.py", *words])
    assert job.read(SimpleNamespace(path=str(path))) == ("all", {})


def test_one_stage_reads_its_own_lines_and_of_broken_ones_dvc_says_what_is_wrong(
    job: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "dvc.lock"
    lockfile = SimpleNamespace(path=str(path), relpath="dvc.lock", validate=lambda content, name: content)
    monkeypatch.setattr(job, "everything", lambda lockfile, **options: ("all", options))
    monkeypatch.setattr(sys, "argv", ["job.py", "--wait-for-lock", "repro", "--single-item", "b"])
    path.write_text(lock({"a": {"cmd": "x"}, "b": {"cmd": "y"}}))
    assert job.read(lockfile)[0] == {"schema": "2.0", "stages": {"b": {"cmd": "y"}}}
    path.write_text(lock({"a": {"cmd": "x"}}))
    assert job.read(lockfile)[0] == {"schema": "2.0", "stages": {}}
    assert job.read(lockfile, round_trip=True) == ("all", {"round_trip": True})
    for broken in (b"", b"schema: '2.0'\nstages:\n  b:\n    cmd", b"schema: '2.0'\nstages:\n  b:\n    cmd: \xff\n"):
        path.write_bytes(broken)
        assert job.read(lockfile) == ("all", {})


def test_the_file_is_replaced_whole_and_keeps_its_rights(job: ModuleType, tmp_path: Path) -> None:
    (path := tmp_path / "dvc.lock").write_text("old")
    path.chmod(0o640)
    job.write(path, "new\n")
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("new\n", 0o640)
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(UnicodeEncodeError):
        job.write(path, "half \udc80\n")  # as on a full disk, what was begun goes and what was there stays
    assert list(tmp_path.iterdir()) == [path] and path.read_text() == "new\n"


def test_what_has_not_changed_is_not_written(job: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (path := tmp_path / "dvc.lock").write_text(lock({"a": {"cmd": "x"}}))
    monkeypatch.setattr(job, "to_lockfile", lambda stage: {stage.name: {"cmd": "x"}})
    monkeypatch.setattr(job, "write", None)  # a call would fail
    job.dump_stages(SimpleNamespace(path=str(path)), [SimpleNamespace(name="a")])


def test_an_empty_lock_is_written_by_dvc(job: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (path := tmp_path / "dvc.lock").touch()
    left: list[Any] = []
    monkeypatch.setattr(job, "to_lockfile", lambda stage: {stage.name: {"cmd": "x"}})
    monkeypatch.setattr(job, "whole", lambda lockfile, stages: left.extend(stages))
    stages = [SimpleNamespace(name="a"), SimpleNamespace(name="b")]
    job.dump_stages(SimpleNamespace(path=str(path)), stages)
    assert left == stages
