"""How far a run is and how long the rest takes: sums by hand, and Snakemake's events."""

import errno
import importlib
import logging
import os
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.support import ROOT


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "workflow"))
    return importlib.import_module("bridge.left")


@pytest.mark.parametrize(
    ("jobs", "running", "took", "elapsed", "said"),
    [
        # 3 of 10 have ended, 20 s each, one after the other: 7 × 20 s
        ({"a": 10}, [], {"a": [10, 20, 30]}, 60, ", about 2 min left"),
        # two at once, of which those that run have 10 s of their 20 s behind them: (6 × 20 + 2 × 10) / 2
        ({"a": 10}, [("a", 10), ("a", 10)], {"a": [20, 20]}, 30, ", about 70 s left"),
        # one that takes longer than the others counts as ended soon
        ({"a": 2}, [("a", 500)], {"a": [20]}, 520, ""),
        # of `b` none has ended: nothing is known, unless there is one only
        ({"a": 2, "b": 3}, [("b", 5)], {"a": [30]}, 35, ""),
        ({"a": 2, "b": 1}, [], {"a": [30]}, 30, ", about 30 s left, 1 single job aside"),
        ({"a": 2, "b": 1, "c": 1}, [("b", 5)], {"a": [30]}, 35, ", about 30 s left, 2 single jobs aside"),
        # of none any has ended
        ({"a": 2}, [("a", 5)], {}, 5, ""),
        ({}, [], {}, 0, ""),
        # long jobs come first: those with a tenth of their work have a tenth of their time, and those without none
        ({"a": 1, "a 0.1": 3, "a 0": 9}, [], {"a": [100]}, 100, ", about 30 s left"),
        # until one of them has ended: 2 × 50 s, and 9 × 1 s
        ({"a": 1, "a 0.1": 3, "a 0": 10}, [], {"a": [100], "a 0.1": [50], "a 0": [1]}, 151, ", about 2 min left"),
        # two kinds of one rule, of which none has ended, are no single jobs
        ({"a": 2, "b": 1, "b 0": 1}, [], {"a": [30]}, 30, ""),
    ],
)
def test_the_rest_by_hand(
    jobs: dict[str, int],
    running: list[tuple[str, float]],
    took: dict[str, list[float]],
    elapsed: float,
    said: str,
    left: ModuleType,
) -> None:
    """A kind is written as its rule, and the work of its jobs if that is not 1."""

    def kind(words: str) -> Any:
        rule, _, work = words.partition(" ")
        return left.Kind(rule, float(work or 1))

    kinds = [{kind(words): value for words, value in given.items()} for given in (jobs, took)]
    assert left.rest(kinds[0], [(kind(words), seconds) for words, seconds in running], kinds[1], elapsed) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "10 s"), (44, "40 s"), (89, "90 s"), (90, "2 min"), (5399, "90 min"), (5400, "1.5 h"), (9e4, "25.0 h")],
)
def test_a_time_is_no_finer_than_an_estimate(seconds: float, said: str, left: ModuleType) -> None:
    assert left.span(seconds) == said


@pytest.fixture
def told(left: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give the listener an event at a time; returns what it says, and the file. `asked` are the jobs of the run."""
    monkeypatch.chdir(tmp_path)
    said: list[str] = []
    monkeypatch.setattr(left.logger, "info", lambda line, **_: said.append(line))
    asked: list[tuple[str, dict[str, str]]] = []
    listener = left.TimeLeft(lambda: asked, ["train", "table"], lambda rule, wildcards: float(wildcards.get("size", 1)))

    def event(kind: str, at: float, **about: Any) -> list[str]:
        monkeypatch.setattr(left.time, "monotonic", lambda: at)
        listener.emit(logging.makeLogRecord({"event": left.LogEvent(kind), "wildcards": {}, **about}))
        return said

    event.listener, event.asked = listener, asked  # type: ignore[attr-defined]
    return event


def test_after_each_job_there_is_a_line_and_the_same_in_a_file(told: Any) -> None:
    told.asked += [("train", {})] * 4 + [("table", {}), ("all", {})]
    told("run_info", 0)
    for job in (1, 2):
        told("job_info", 0, jobid=job, rule_name="train")
    told("job_finished", 60, job_id=1)
    told("progress", 60, done=1, total=6)
    told("job_info", 60, jobid=3, rule_name="train")
    told("job_finished", 120, job_id=2)  # 60 s and 120 s: 90 s each, 2 at once so far, 30 s of job 3 to come
    lines = told("progress", 120, done=2, total=6)
    assert lines == [
        "1 of 6 jobs done, about 60 s left, 1 single job aside",
        "2 of 6 jobs done, about 60 s left, 1 single job aside",
    ]
    content = Path(".state/progress").read_text()
    assert content.startswith("run at ") and content.endswith(f": {lines[-1]}\n")
    assert [path.name for path in Path(".state").iterdir()] == ["progress"]
    told("progress", 130, done=6, total=6)
    assert len(lines) == 2  # nothing is left
    told.listener.close()
    assert not Path(".state/progress").exists()


def test_jobs_with_little_work_are_not_taken_for_long_ones(told: Any) -> None:
    told.asked += [("train", {"size": "1"})] * 2 + [("train", {"size": "0"})] * 8
    told("run_info", 0)
    told("job_info", 0, jobid=1, rule_name="train", wildcards={"size": "1"})
    told("job_finished", 60, job_id=1)
    assert told("progress", 60, done=1, total=10) == ["1 of 10 jobs done, about 60 s left"]


def test_a_job_that_fails_or_is_tried_again_does_not_count_twice(told: Any) -> None:
    told.asked += [("train", {})] * 2
    told("run_info", 0)
    told("job_info", 0, jobid=1, rule_name="train")
    told("job_error", 5, jobid=1)
    told("job_info", 10, jobid=1, rule_name="train")
    told("job_finished", 30, job_id=1)
    assert told("progress", 40, done=1, total=2) == ["1 of 2 jobs done, about 20 s left"]


def test_a_full_disk_ends_no_run(told: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    told.asked += [("train", {})] * 2
    told("run_info", 0)
    told("job_info", 0, jobid=1, rule_name="train")
    told("job_finished", 30, job_id=1)
    monkeypatch.setattr(Path, "write_text", full)
    assert told("progress", 30, done=1, total=2) == ["1 of 2 jobs done, about 30 s left"]
    told.listener.close()
