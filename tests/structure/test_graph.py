"""Static proofs: dvc.yaml, the rules and the code say the same."""

import ast
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from protomtl import pipeline_figure
from protomtl.core import paths, runner
from tests.support import ROOT
from tests.support.commands import call
from tests.support.imports import INERT, PACKAGE, parameters_of_step, room, rooms_of_step
from tests.support.reruns import RERUNS

STAGES: dict[str, dict[str, Any]] = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]
RULES = "\n".join(path.read_text() for path in sorted((ROOT / "workflow/rules").glob("*.smk")))


def code_of(stage: str) -> set[str]:
    return {dep.replace("${src}", "src/protomtl") for dep in STAGES[stage]["deps"] if dep.startswith("${src}")}


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


def guided_stage(folder: Path) -> Path:
    """These files with a stage more, by the very diffs of the guide; not where it was followed here."""
    if (PACKAGE / "steps/calibration.py").exists():
        pytest.skip("the stage of the guide is here")
    page = (ROOT / "docs/guides/add-a-stage.md").read_text()
    for diff in re.findall(r"```diff\n(.*?)```", page, re.DOTALL):
        for name in re.findall(r"^--- a/(\S+)$", diff, re.M):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
        (folder / "change.diff").write_text(diff)
        call(folder, "git", "apply", "--unidiff-zero", "change.diff")
    return folder


def test_the_page_on_clusters_says_what_jobs_ask_for() -> None:
    check_page_on_clusters(ROOT)


def test_a_stage_that_the_guide_adds_leaves_the_page_on_clusters_true(tmp_path: Path) -> None:
    check_page_on_clusters(guided_stage(tmp_path))


def check_page_on_clusters(root: Path) -> None:
    """Of a group the memory of stages that may run side by side, and the minutes of those that follow each other."""
    slurm = YAML(typ="safe").load(root / "profiles/slurm/profile.yaml")
    behind = pipeline_figure.read_graph(root / "dvc.yaml")
    asks = {stage: slurm["default-resources"] | slurm["set-resources"].get(stage, {}) for stage in behind}
    group = dict(word.split("=") for word in slurm["groups"])
    page = (root / "docs/guides/cluster.md").read_text()
    said: set[str] = set()
    for stages, minutes, memory in re.findall(r"^\| [^|]+ \| (`[^|]+) \| (\d+) \| (\d+) \|$", page, re.M):
        layers = [re.findall(r"`(\w+)`", words) for words in stages.split(", then ")]
        if layers[0][0] not in group:
            layers = [[stage] for stage in layers[0]]  # jobs of their own
            assert {(asks[s]["runtime"], asks[s]["mem_mb"]) for (s,) in layers} == {(int(minutes), int(memory))}
        else:
            members = {stage for layer in layers for stage in layer}
            assert members == {stage for stage in group if group[stage] == group[layers[0][0]]}
            assert sum(max(asks[s]["runtime"] for s in layer) for layer in layers) == int(minutes)
            assert max(sum(asks[s]["mem_mb"] for s in layer) for layer in layers) == int(memory)
            for place, layer in enumerate(layers):  # nothing in it waits for less than the layer before
                before = {s for earlier in layers[:place] for s in earlier}
                assert all(behind[s] & members <= before for s in layer)
                assert not place or all(behind[s] & {*layers[place - 1]} for s in layer)
        said |= {stage for layer in layers for stage in layer}
    assert said == set(behind)


@pytest.mark.parametrize("step", runner.steps())
def test_a_stage_depends_on_exactly_the_rooms_that_it_imports_from(step: str) -> None:
    assert code_of(step) == rooms_of_step(step)


def test_the_package_itself_holds_lazy_names_only() -> None:
    """No stage depends on this file: what stands in it must not decide what a step does."""
    kinds = {type(node) for node in ast.parse(INERT.read_text()).body}
    assert kinds <= {ast.Expr, ast.ImportFrom, ast.If, ast.Assign, ast.FunctionDef}
    users = [
        path for path in PACKAGE.rglob("*.py") if re.search(r"from protomtl import .*__version__", path.read_text())
    ]
    assert sorted(users) == [PACKAGE / "cli.py", PACKAGE / "receipt/crate.py"]


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
    edited = room(PACKAGE / file)
    assert (PACKAGE / file).is_file() and {stage for stage in STAGES if edited in code_of(stage)} == RERUNS[file]


def test_the_page_shows_the_table() -> None:
    page = (ROOT / "docs/concepts/pipeline.md").read_text()
    rows = dict(re.findall(r"^\| [^|]+ \| `([\w/]+\.py)` \| ([^|]+) \|$", page, re.M))
    assert len(rows) >= 6
    for file, stages in rows.items():
        assert set(re.findall(r"`(\w+)`", stages)) == RERUNS[file], file


def test_the_page_shows_each_room_and_the_stages_that_depend_on_it() -> None:
    section = (ROOT / "docs/concepts/pipeline.md").read_text().split("## Rooms")[1].split("\n## ")[0]
    shown = {}
    for rooms, stages in re.findall(r"^\| (`[^|]+) \| [^|]+ \| ([^|]+) \|$", section, re.M):
        named = set(re.findall(r"`(\w+)`", stages))
        shown |= dict.fromkeys(
            re.findall(r"`([\w.]+)`", rooms), {*STAGES} - named if stages.startswith("all") else named
        )
    there = {path.name for path in PACKAGE.iterdir() if path.is_dir() or path.suffix == ".py"}
    assert shown.keys() == {name for name in there if not name.startswith("_")} - {"steps"}
    for name, stages in shown.items():
        assert {stage for stage in STAGES if f"src/protomtl/{name}" in code_of(stage)} == stages, name


GUIDED = [  # stages that a guide says are run again, and the first file of the diff that follows
    (page.name, set(re.findall(r"`(\w+)`", said)), file)
    for page in sorted((ROOT / "docs/guides").glob("add-*.md"))
    for said, file in re.findall(r"re-runs ((?:`\w+`(?:, | and )?)+).*?^\+\+\+ b/(\S+)", page.read_text(), re.M | re.S)
]


@pytest.mark.parametrize(("page", "said", "file"), GUIDED)
def test_a_guide_names_the_stages_that_its_code_runs_again(page: str, said: set[str], file: str) -> None:
    edited = room(ROOT / file)
    assert {stage for stage in STAGES if edited in code_of(stage)} == said


def test_guides_are_read() -> None:
    assert {page for page, *_ in GUIDED} == {
        *("add-a-metric.md", "add-a-task.md", "add-an-objective.md", "add-an-option.md"),
    }
