"""For each edit the stages that ran are exactly the expected ones, the same in both engines (contract, point 3).

Stages that DVC restores from its cache do not run. After each run there is nothing left to do for either engine.
What an edit makes out of date, DVC is asked, by itself and by the bridge; what runs for it, Snakemake's plan. Real runs
of both engines, of the cheapest edits of each kind, prove that these answers are what happens.
"""

import importlib
import re
from pathlib import Path

import pytest

from tests.support import ROOT, engines
from tests.support.commands import call
from tests.support.edits import EDITS, RUNS, SOURCES, append, damage_outputs, new_row
from tests.support.engines import ENGINES, goal, nothing_to_do, planned, results, stages, stale
from tests.support.reruns import RERUNS


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_makes_exactly_its_stages_run(name: str, project: Path) -> None:
    edit, out_of_date, expected = EDITS[name]
    edit(project)
    assert stale(project) == out_of_date
    assert planned(project) == expected


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", RUNS)
def test_what_is_planned_runs_where_inputs_have_other_bytes(name: str, engine: str, project: Path) -> None:
    EDITS[name][0](project)
    assert engines.run(project, engine).ran == RUNS[name]
    nothing_to_do(project)


@pytest.mark.parametrize("engine", ENGINES)
def test_new_raw_data_runs_all_that_is_made_from_them(engine: str, project: Path) -> None:
    """So far for real; the rest is planned."""
    new_row(project)
    tokens = goal("tokens")
    assert engines.run(project, engine, to=tokens).ran == {"download", "prepare", "tokens"}
    nothing_to_do(project, tokens)
    assert planned(project) == EDITS["raw data"][2] - {"download", "prepare", "tokens"}


@pytest.mark.parametrize("engine", ENGINES)
def test_damaged_outputs_are_restored_to_the_last_byte(engine: str, project: Path, finished: Path) -> None:
    damage_outputs(project)
    assert engines.run(project, engine).ran == set()
    assert results(project) == results(finished)
    nothing_to_do(project)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # DVC's own
def test_an_edit_of_code_makes_the_stages_of_its_room_stale(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole table, by what both engines ask (workflow/bridge)."""
    monkeypatch.syspath_prepend(str(ROOT / "workflow"))
    monkeypatch.chdir(project)
    ask_dvc = importlib.import_module("bridge.stages").ask_dvc
    for file, expected in RERUNS.items():
        source = project / SOURCES / file
        before = source.read_bytes()
        source.write_bytes(before + b"# edited\n")
        assert ask_dvc(plan=True)[1] == stages(*expected), file
        source.write_bytes(before)
    assert ask_dvc(plan=True)[1] == set()


@pytest.mark.parametrize("engine", ENGINES)
def test_behind_results_that_stay_the_same_nothing_runs(engine: str, project: Path) -> None:
    """Rooms of one stage and of several, and of none, at once."""
    edited = ["pretraining/prototypical.py", "data/starter.py", "__init__.py", "cli.py", "commands/predict.py"]
    for file in edited:
        append(f"{SOURCES}/{file}", "# edited\n")(project)
    assert engines.run(project, engine).ran == stages(*(step for file in edited for step in RERUNS[file]))
    nothing_to_do(project)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_new_stage_runs_itself_and_no_other(engine: str, project: Path) -> None:
    """The very diffs of the page that says how to add one."""
    page = (ROOT / "docs/guides/add-a-stage.md").read_text()
    for diff in re.findall(r"```diff\n(.*?)```", page, re.DOTALL):
        (project / "change.diff").write_text(diff)
        call(project, "git", "apply", "--unidiff-zero", "change.diff")
    call(project, "env", "PYTHONPATH=src", "python", "-m", "protomtl", "check")  # by its own code
    assert engines.run(project, engine).ran == {"calibration"}
    nothing_to_do(project)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_edit_of_ones_own_encoder_runs_the_stage_that_copies_it(engine: str, project: Path) -> None:
    """Its folder is a dependency by a parameter, as that of one's own texts is."""
    (project / "data/encoder/generation_config.json").write_text("{}")
    backbone = goal("backbone")
    assert engines.run(project, engine, to=backbone).ran == {"backbone"}
    assert (project / "data/backbone/generation_config.json").read_text() == "{}"
    nothing_to_do(project, backbone)
