"""Static proofs: dvc.yaml, the rules and the code say the same."""

import importlib
import inspect
import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from protomtl import paths, pipeline, steps
from protomtl.schema import Params

from .conftest import ROOT
from .imports import PACKAGE, closure

STAGES: dict[str, dict[str, Any]] = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]


def test_a_step_has_one_name_everywhere() -> None:
    rules = re.findall(r"^rule (\w+):", "".join(p.read_text() for p in (ROOT / "workflow/rules").glob("*.smk")), re.M)
    assert sorted(STAGES) == sorted(rules) == sorted(steps.STEPS)
    for step in steps.STEPS:
        assert STAGES[step]["cmd"].split(" --")[0] == f"${{run}} {step}"
        assert ("matrix" in STAGES[step]) == (step in steps.PER_RUN)


def test_the_profile_for_clusters_keeps_the_default_one_and_names_only_steps() -> None:
    default, slurm = (YAML(typ="safe").load(ROOT / f"profiles/{name}/profile.yaml") for name in ("default", "slurm"))
    assert {**slurm, **default} == slurm
    assert {*slurm["set-resources"], *(group.split("=")[0] for group in slurm["groups"])} <= set(steps.STEPS)


@pytest.mark.parametrize("step", steps.STEPS)
def test_a_stage_depends_on_exactly_the_modules_that_it_imports(step: str) -> None:
    listed = {d.removeprefix("src/protomtl/").removesuffix(".py") for d in STAGES[step]["deps"] if d.endswith(".py")}
    assert listed == closure(step) | closure("steps")


@pytest.mark.parametrize("step", steps.STEPS)
def test_a_stage_declares_exactly_the_parameters_that_its_step_is_given(step: str) -> None:
    run = importlib.import_module(f"protomtl.{step}").run
    names = set(inspect.signature(run).parameters)
    if step in steps.PER_RUN:
        names -= {"method", "seed"}
        names |= {f"method.${{item.method}}.{name}" for name in names & {"pretrain", "finetune"}}
    assert set(STAGES[step].get("params", [])) == names


def test_only_the_dispatch_of_steps_reads_parameters() -> None:
    readers = {"steps", "preset", "summary", "kept"}  # the last three are no steps
    modules = {p.stem for p in PACKAGE.glob("*.py")} - {"config", "__main__"}
    called = {m for m in modules if re.search(r"config\.(section|phase|load)\(", (PACKAGE / f"{m}.py").read_text())}
    assert called == readers


def test_outputs_are_the_folders_that_the_code_writes() -> None:
    outs = {o.replace("/${item.method}/seed${item.seed}", "") for s in STAGES.values() for o in s["outs"]}
    declared = {str(p) for name, p in vars(paths).items() if name.isupper() and isinstance(p, Path)}
    assert outs == declared - {str(paths.TIMING), str(paths.SUMMARY), str(paths.STATE), str(paths.RUNS)}


def test_every_parameter_is_declared_by_some_stage() -> None:
    declared = {p.split(".")[0] for s in STAGES.values() for p in s.get("params", [])}
    assert declared == set(Params.model_fields)


def test_figure_2_shows_the_graph() -> None:
    graph = pipeline.read_graph(ROOT / "dvc.yaml")
    assert set(graph) == set(STAGES)
    assert graph["embed"] == {"backbone", "tokenize", "pretrain"}
    assert graph["tables"] == {"finetune", "evaluate"}
    assert graph["ensemble"] == {"evaluate", "tables"}
    column = pipeline.levels(graph)
    assert all(column[parent] < column[name] for name in graph for parent in graph[name])
