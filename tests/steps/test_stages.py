"""A stage has the parameters that dvc.yaml declares for it, needs each of them, and no other (contract, point 9)."""

import shutil
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest

from protomtl.core import files, runner
from protomtl.core.yaml_reader import read_yaml
from tests.support import ROOT
from tests.support.engines import results
from tests.support.makers import patch_params
from tests.support.params import written
from tests.support.steps import run_steps

STAGES: dict[str, dict[str, Any]] = read_yaml(ROOT / "dvc.yaml")["stages"]
DECLARED = {
    step: [p.replace("${item.method}", "prototypical") for p in STAGES[step].get("params", [])]
    for step in runner.steps()
}
Params = dict[str, Any]


@pytest.fixture(scope="module")
def complete(complete_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole run of one method."""
    folder = Path(shutil.copytree(complete_once, tmp_path_factory.mktemp("complete") / "p"))
    patch_params(folder, {"methods": ["prototypical"]})
    with chdir(folder):
        run_steps("collect", "tables", "ensemble", "report", "figures")  # `collect` takes away the other method
    return folder


def reduced(params: Params, paths: list[str]) -> Params:
    """`params` with nothing but the given dotted paths."""
    found: Params = {}
    for path in paths:
        source, target = params, found
        *above, last = path.split(".")
        for key in above:
            source, target = source[key], target.setdefault(key, {})
        target[last] = source[last]
    return found


@pytest.fixture
def run_with(complete: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a step with nothing in params.yaml but some of its parameters."""
    monkeypatch.chdir(complete)
    path = complete / "params.yaml"
    text = path.read_text()
    params = read_yaml(path)

    def run(step: str, paths: list[str]) -> None:
        written(complete, reduced(params, paths))
        runner.run(step, *(("prototypical", 1) if runner.per_run(step) else ()))

    yield run
    path.write_text(text)


@pytest.mark.parametrize("step", runner.steps())
def test_a_stage_runs_with_its_declared_parameters_alone(step: str, run_with: Any, complete: Path) -> None:
    before = [files.digest_folder(complete / "data"), results(complete)]
    run_with(step, DECLARED[step])
    assert [files.digest_folder(complete / "data"), results(complete)] == before


@pytest.mark.parametrize(("step", "missing"), [(step, name) for step, names in DECLARED.items() for name in names])
def test_a_stage_that_reads_a_parameter_it_is_not_given_fails(step: str, missing: str, run_with: Any) -> None:
    with pytest.raises(SystemExit, match=missing.split(".")[0]):
        run_with(step, [name for name in DECLARED[step] if name != missing])
