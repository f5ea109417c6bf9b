"""For each edit the stages that ran are exactly the expected ones, the same in both engines (contract, point 3).

Stages that DVC restores from its cache do not run. After each edit there is nothing left to do for either engine.
"""

import re
from pathlib import Path

import pytest

from tests.support import ROOT, engines
from tests.support.commands import call
from tests.support.edits import EDITS, SOURCES, append
from tests.support.engines import ENGINES, nothing_to_do, results, stages
from tests.support.reruns import RERUNS


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", EDITS)
def test_an_edit_runs_exactly_its_stages(name: str, engine: str, project: Path, finished: Path) -> None:
    edit, expected = EDITS[name]
    edit(project)
    assert engines.run(project, engine).ran == expected
    nothing_to_do(project)
    if not expected:  # restored to the last byte
        assert results(project) == results(finished)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_edit_of_code_runs_exactly_the_stages_of_its_room(engine: str, project: Path) -> None:
    """One after the other in one folder; the results stay the same, so nothing behind these stages runs."""
    for file, expected in RERUNS.items():
        append(f"{SOURCES}/{file}", "# edited\n")(project)
        assert engines.run(project, engine).ran == stages(*expected), file
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


BACKBONE = {"dvc": ("dvc", "repro", "backbone"), "snakemake": ("snakemake", "--cores", "1", "data/backbone")}


@pytest.mark.parametrize("engine", ENGINES)
def test_an_edit_of_ones_own_encoder_runs_the_stage_that_copies_it(engine: str, project: Path) -> None:
    """Its folder is a dependency by a parameter, as that of one's own texts is."""
    (project / "data/encoder/generation_config.json").write_text("{}")
    assert re.findall(r"Running stage '([^']+)'", call(project, *BACKBONE[engine]).stdout) == ["backbone"]
    assert (project / "data/backbone/generation_config.json").read_text() == "{}"
    assert "Running stage" not in call(project, *BACKBONE[engine]).stdout
