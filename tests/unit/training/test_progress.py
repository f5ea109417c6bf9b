"""The line of a training in a log: its own time left, and the whole run's where an engine tells it."""

from pathlib import Path

import pytest

from protomtl.training.progress import Progress

LINE = "run at 14:03: 12 of 80 jobs done, about 14 min left"


def last_line(capsys: pytest.CaptureFixture[str], sure: bool = True) -> str:
    """Of a training that has done its only step."""
    Progress("toy", 1, 0, sure).step(8, 0.5)
    return capsys.readouterr().out.rstrip("\n")


def test_it_has_the_time_left_of_the_whole_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "progress").write_text(f"{LINE}\n")
    monkeypatch.setenv("PIPELINE_PROGRESS", str(tmp_path / "progress"))
    assert last_line(capsys).endswith(f" examples/s, 0:00 left; {LINE}")
    (tmp_path / "progress").unlink()  # no job has ended yet
    assert last_line(capsys).endswith(" examples/s, 0:00 left")


def test_without_an_engine_that_tells_it_there_is_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("PIPELINE_PROGRESS", raising=False)
    assert last_line(capsys).endswith(" examples/s, 0:00 left")


def test_where_a_training_may_end_early_it_is_the_most(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("PIPELINE_PROGRESS", raising=False)
    assert last_line(capsys, sure=False).endswith(" examples/s, 0:00 left at most")
