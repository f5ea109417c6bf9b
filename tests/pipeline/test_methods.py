"""Methods come and go, fail and recover, in both engines (contract, point 3)."""

import fcntl
from pathlib import Path

import pytest

from tests.support import engines
from tests.support.edits import RESULTS, parameter_of_one_method
from tests.support.engines import ENGINES, METHODS, PER_RUN, goal, nothing_to_do, planned, results, stages
from tests.support.makers import patch_params


@pytest.mark.parametrize("engine", ENGINES)
def test_a_parameter_changed_and_changed_back_is_restored(engine: str, project: Path, finished: Path) -> None:
    before = (project / "params.yaml").read_text()
    patch_params(project, {"compare": ["cosine"]})  # of `tables`, and the pages and pictures behind it
    assert "tables" in engines.run(project, engine).ran
    assert results(project) != results(finished)
    (project / "params.yaml").write_text(before)
    assert engines.run(project, engine).ran == set()
    assert results(project) == results(finished)
    nothing_to_do(project)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_removed_method_leaves_nothing_behind_and_comes_back(engine: str, project: Path, finished: Path) -> None:
    patch_params(project, {"methods": ["prototypical"]})
    assert engines.run(project, engine).ran == stages("collect", *RESULTS)
    nothing_to_do(project)
    assert not [name for name in results(project) if "cosine" in name]
    patch_params(project, {"methods": METHODS})
    assert engines.run(project, engine).ran == set()
    assert results(project) == results(finished)
    nothing_to_do(project)


@pytest.mark.parametrize("engine", ENGINES)
def test_one_failing_method_does_not_keep_the_others_from_finishing(engine: str, project: Path) -> None:
    patch_params(project, {"methods": [*METHODS, "concat"]})
    parameter_of_one_method(project)
    with (project / ".state/finetune/cosine-seed1/lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # as another trainer holds it
        run = engines.run(project, engine, "--keep-going", fails=True)
    assert "finetune cosine seed 1: another process is training it" in run.output
    concat = stages(*PER_RUN, methods=["concat"])
    assert run.ran == {"finetune@cosine-1"} | concat
    retried = goal("finetune@cosine-1")
    assert engines.run(project, engine, to=retried).ran == set(retried.stage)
    assert planned(project) == stages("evaluate", "stress", "collect", *RESULTS, methods=["cosine"])


def test_a_change_of_one_method_is_planned_as_such(project: Path) -> None:
    """What `snakemake -n` shows before anything runs; the edit is in the committed state of a clone."""
    patch_params(project, {"embed": {"samples": 5}})
    assert planned(project) == {"embed"}
