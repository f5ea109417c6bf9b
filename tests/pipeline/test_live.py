"""What shows a run live makes nothing run, and the run says how far it is."""

import re
from pathlib import Path

import pytest

from tests.support import engines, trackers
from tests.support.engines import nothing_to_do


def test_a_tracker_makes_nothing_stale_and_the_run_says_how_far_it_is(
    project: Path, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trackers.install("wandb", tmp_path, monkeypatch)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "libraries"))
    nothing_to_do(project)
    monkeypatch.setenv("PROTOMTL_TRACK", "mlflow")
    refused = engines.run(project, "snakemake", fails=True).output
    assert "PROTOMTL_TRACK=mlflow: no such tracker; there are" in refused and "Traceback" not in refused
    said = (finished.parent / "output").read_text()
    counts = [int(done) for done in re.findall(r"^(\d+) of \d+ jobs done", said, re.M)]
    assert counts == [*range(1, len(counts) + 1)] and len(counts) > 15
    assert not (finished / ".state/progress").exists()
