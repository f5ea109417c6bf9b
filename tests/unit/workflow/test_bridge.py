"""The bridge's sums: outputs under a path, threads of a job."""

import importlib
import os
from types import ModuleType

import pytest

from tests.support import ROOT


@pytest.fixture
def bridge(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "workflow"))
    return importlib.import_module("bridge")


def test_a_dependency_stands_for_the_outputs_in_it_and_for_the_one_that_it_is_in(bridge: ModuleType) -> None:
    graph = object.__new__(bridge.Graph)
    graph.made_paths = ["out", "res", "res-old/a", "res.txt", "results/a/1", "results/a/10", "results/b", "results0"]
    graph.producer = dict.fromkeys(graph.made_paths)
    assert graph._makers("results") == ["results/a/1", "results/a/10", "results/b"]
    assert graph._makers("results/a/1") == ["results/a/1"]
    assert graph._makers("res/deep/file.txt") == ["res"]
    assert graph._makers("results/a/100") == graph._makers("data") == graph._makers("/out") == []


def test_with_more_cores_than_the_machine_has_jobs_grow(bridge: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    share = bridge.fair_threads
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    assert [share(1, cores) for cores in (None, 2, 4, 7, 8)] == [1, 1, 1, 1, 2]  # of 8 cores, 4 jobs have 2 each
    assert [share(2, cores) for cores in (1, 4, 6, 8)] == [2, 2, 3, 4]
    monkeypatch.setattr(os, "cpu_count", lambda: None)  # unknown
    assert share(1, 4) == 4
