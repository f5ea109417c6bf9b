"""Static proofs: dvc.yaml, the rules and the code say the same."""

import ast
import re
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from protomtl import pipeline_figure
from protomtl.core import paths, runner
from tests.support import ROOT
from tests.support.commands import call
from tests.support.graph import STAGES, code_of, rerun_by
from tests.support.imports import INERT, PACKAGE, parameters_of_step, room, rooms_of_step
from tests.support.reruns import RERUNS

RULES = "\n".join(path.read_text() for path in sorted((ROOT / "workflow/rules").glob("*.smk")))


def test_a_step_has_one_name_everywhere() -> None:
    rules = re.findall(r"^(?:use rule \w+ as|rule) (\w+)", RULES, re.M)
    assert sorted(STAGES) == sorted(rules) == sorted(runner.steps())
    for step in runner.steps():
        assert STAGES[step]["cmd"] == f"${{cli}} {step}" + (" ${item}" if runner.per_run(step) else "")
        assert ("matrix" in STAGES[step]) == runner.per_run(step)
        assert {"method", "seed"} <= parameters_of_step(step) or "matrix" not in STAGES[step]


def test_a_rule_inherits_threads_and_gpus_of_a_stage_that_computes_with_as_much() -> None:
    own = dict.fromkeys(re.findall(r"^rule (\w+):", RULES, re.M))
    inherited = {child: parent for parent, child in re.findall(r"^use rule (\w+) as (\w+) with:", RULES, re.M)}
    uses = {stage: STAGES[stage]["meta"].get("uses") for stage in STAGES}
    assert all(uses[child] == uses[parent] for child, parent in inherited.items())
    assert {stage for stage in own if uses[stage]} == set(re.findall(r'threads_of\("(\w+)"\)', RULES))


def test_the_profile_for_clusters_keeps_the_default_one_and_names_only_steps() -> None:
    default, slurm = (YAML(typ="safe").load(ROOT / f"profiles/{name}/profile.yaml") for name in ("default", "slurm"))
    assert {**slurm, **default} == slurm
    grouped = {group.split("=")[0] for group in slurm["groups"]}
    assert {*slurm["set-resources"], *grouped} <= set(runner.steps())
    assert grouped == {stage for stage in STAGES if "uses" not in STAGES[stage]["meta"]}


@pytest.mark.parametrize("step", runner.steps())
def test_a_stage_depends_on_exactly_the_rooms_that_it_imports_from(step: str) -> None:
    assert code_of(step) == rooms_of_step(step)


def test_the_package_itself_holds_lazy_names_only() -> None:
    """No stage depends on this file: what stands in it must not decide what a step does."""
    kinds = {type(node) for node in ast.parse(INERT.read_text()).body}
    assert kinds <= {ast.Expr, ast.ImportFrom, ast.If, ast.Assign, ast.FunctionDef}
    naming = re.compile(r"(?<!torch\.)__version__|version\(\W*protomtl")
    users = {path for path in PACKAGE.rglob("*.py") if naming.search(path.read_text())}
    assert users == {INERT, PACKAGE / "cli.py", PACKAGE / "receipt/crate.py"}


def test_files_of_packages_are_docstrings() -> None:
    for path in set(PACKAGE.rglob("__init__.py")) - {INERT}:
        (node,) = ast.parse(path.read_text()).body
        assert isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant), path
    assert not (PACKAGE / "steps/__init__.py").exists()  # it would belong to every stage


def test_a_room_depends_on_no_file_that_lies_elsewhere() -> None:
    assert {room(path) for path in PACKAGE.rglob("*.py")} >= {dep for stage in STAGES for dep in code_of(stage)}


@pytest.mark.parametrize("step", runner.steps())
def test_a_stage_declares_exactly_the_parameters_that_its_step_is_given(step: str) -> None:
    names = parameters_of_step(step)
    if runner.per_run(step):
        names -= {"method", "seed"}
        names |= {f"method.${{item.method}}.{name}" for name in names & {"pretrain", "finetune"}}
    assert set(STAGES[step].get("params", [])) == names


def test_only_the_dispatch_of_steps_hands_them_parameters() -> None:
    """`cli.py` checks all of params.yaml before a step; commands, pages and `own_data` are no steps."""
    reading = re.compile(
        r"\bread_yaml\(|\bsections\.(section|phase_settings)\(|\b(params\.)?load\((part|run=method)?\)"
    )
    found = {str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py") if reading.search(path.read_text())}
    outside = {name for name in found if not name.startswith(("commands/", "own_data/", "publishing/"))}
    assert outside == {"core/runner.py", "core/yaml_reader.py", "params.py", "cli.py", "pipeline_figure.py"}


def test_outputs_are_the_folders_that_the_code_writes() -> None:
    outs = {out.replace("/${item.method}/seed${item.seed}", "") for stage in STAGES.values() for out in stage["outs"]}
    data = {str(paths.RAW), str(paths.BACKBONE), str(paths.PREPARED), str(paths.TOKENS), str(paths.PERTURBED)}
    named = {name for path in PACKAGE.rglob("*.py") for name in re.findall(r'results\(f?"([\w/]+)"', path.read_text())}
    curves = {"results/curves/train", "results/curves/dev"}  # results(f"curves/{kind}", …)
    assert outs == data | curves | {str(paths.RUNS)} | {str(paths.results(name)) for name in named if name in STAGES}


def test_every_parameter_is_declared_by_some_stage() -> None:
    declared = {param.split(".")[0] for stage in STAGES.values() for param in stage.get("params", [])}
    assert declared == set(YAML(typ="safe").load(ROOT / "params.yaml"))


def test_no_module_is_named_like_one_of_the_standard_library() -> None:
    names = {path.stem for path in PACKAGE.rglob("*.py")} | {path.name for path in PACKAGE.rglob("*") if path.is_dir()}
    assert not (names - {"__main__", "__init__"}) & sys.stdlib_module_names


@pytest.mark.parametrize("file", ["seeds.py", "model/heads.py", "steps/tokens.py"])
def test_a_file_can_be_run_by_itself(file: str, tmp_path: Path) -> None:
    """As an editor's "run" button does: its folder is then the first place where modules are looked for."""
    call(tmp_path, sys.executable, str(PACKAGE / file))


def test_figure_2_shows_the_graph() -> None:
    graph = pipeline_figure.read_graph(ROOT / "dvc.yaml")
    assert set(graph) == set(STAGES)
    assert graph["embed"] == {"backbone", "tokens", "pretrain"}
    assert graph["tables"] == {"finetune", "evaluate", "collect"}
    assert graph["ensemble"] == {"evaluate", "collect"}
    column = pipeline_figure.levels(graph)
    assert all(column[parent] < column[name] for name in graph for parent in graph[name])
    assert {stage["meta"]["part"] for stage in STAGES.values()} == set(pipeline_figure.COLOURS)


@pytest.mark.parametrize("file", RERUNS)
def test_an_edit_concerns_the_stages_that_the_table_names(file: str) -> None:
    """That these stages run, and no others, is proved in both engines (tests/pipeline/test_edits.py)."""
    assert (PACKAGE / file).is_file() and rerun_by(PACKAGE / file) == RERUNS[file]


def test_what_an_editor_leaves_beside_a_source_is_no_part_of_its_room() -> None:
    left = [
        f"{folder}/{name}" for folder in ("core", "steps/embed") for name in (".x.py.swp", "x.py~", "#x.py#", ".#x.py")
    ]
    beside = [f"src/protomtl/{name}" for name in left]
    assert call(ROOT, "dvc", "check-ignore", *beside, "src/protomtl/core/files.py").stdout.split() == beside
