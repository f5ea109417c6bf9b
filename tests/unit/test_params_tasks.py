"""What params.yaml calls its tasks and methods, and what the one says of the other."""

import copy
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from protomtl.params import COLUMNS, FIGURES, load
from tests.support import ROOT
from tests.support.params import SST, WHOLE, edited, written

SAFE = ["type", "train", "forward", "Sick", "a_b", "2nd", "x" * 64]
UNSAFE = ["my-task", "my task", "my.task", "a/b", "..", "", "x" * 65, "ünder", "a;b", "$(id)", "a\nb", "--seed", "a'b"]


@pytest.mark.parametrize("name", SAFE)
def test_a_task_or_a_method_may_be_called_by_letters_digits_and_underscores(tmp_path: Path, name: str) -> None:
    content = copy.deepcopy(WHOLE)
    content["tasks"][name] = SST
    content["method"][name] = {**content["method"]["concat"], "label": name}
    content["methods"] += [name]
    params = load(written(tmp_path, content))
    assert name in params.tasks and name in params.methods


@pytest.mark.parametrize("name", UNSAFE)
def test_any_other_name_is_refused_with_the_reason(tmp_path: Path, name: str) -> None:
    content = copy.deepcopy(WHOLE)
    content["tasks"][name] = SST
    content["method"][name] = {**content["method"]["concat"], "label": name}
    content["methods"] = [name]
    with pytest.raises(SystemExit) as caught:
        load(written(tmp_path, content))
    assert str(caught.value).count("a name is 1 to 64 letters, digits and _") == 3  # of the task, the method, the list


def test_names_that_are_other_types_in_yaml_are_told_to_stand_in_quotes(tmp_path: Path) -> None:
    for name, reason in (("no", "is false to Snakemake"), ("2020", 'a key must be a word; write "2020"')):
        text = (ROOT / "params.yaml").read_text().replace("  sst:\n", f"  {name}:\n")
        (tmp_path / "params.yaml").write_text(text)
        with pytest.raises(SystemExit, match=reason):
            load(tmp_path / "params.yaml")


@pytest.mark.parametrize(
    "name", ["overall", "label", "seconds", "sts_spearman", "sst_nearest", "para_paper", "sst_first"]
)
def test_a_task_whose_column_the_tables_have_already_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SystemExit, match=rf"tasks\.{name}: its column {name} is one of .*, too; rename it"):
        load(edited(tmp_path, f"tasks.{name}", SST))
    load(edited(tmp_path, f"tasks.{name}", {**SST, "auxiliary": True}))  # it is in no table


def test_the_columns_that_no_task_may_take_are_those_that_tables_have() -> None:
    """Of a run that is kept; `summary` adds seconds."""
    tasks = ("sst", "para", "sts")
    for name in ("table1", "table2"):
        columns = pd.read_csv(ROOT / f"docs/runs/starter/tables-{name}.csv").columns
        others = {column for column in columns if not column.startswith((*tasks, "overall_"))}
        endings = {column.partition("_")[2] for column in columns if column.startswith(tasks)} - {""}
        assert others | {"overall", "seconds"} <= COLUMNS and {"sd", "low", "nearest", "spearman"} <= endings <= FIGURES


SICK = {
    "sick_entail": {**SST, "classes": 3, "ordered": False, "texts": ["a", "b"], "label": "entailment"},
    "sick_sim": {"kind": "regression", "range": [1, 5], "texts": ["a", "b"], "label": "score", "files": SST["files"]},
}


def sick(folder: Path, **more: Any) -> Path:
    """Two tasks of one's own and one method: `sst_weighted` and others name tasks that are not there."""
    content = copy.deepcopy(WHOLE)
    content |= {"tasks": SICK, "methods": ["concat"], **more}
    content["embed"]["method"] = content["export"]["method"] = "concat"
    return written(folder, content)


def test_what_blocks_that_are_not_listed_say_of_tasks_is_not_asked(tmp_path: Path) -> None:
    assert list(load(sick(tmp_path)).tasks) == ["sick_entail", "sick_sim"]


@pytest.mark.parametrize(
    ("method", "message"),
    [
        (
            "sst_weighted",
            r"method\.sst_weighted\.finetune\.weights: no such main task: sst; ",
        ),
        ("best", r"method\.best\.finetune\.pair_encoding: must name all pair tasks: \['sick_entail', 'sick_sim'\]"),
    ],
)
def test_what_is_listed_or_run_must_fit_the_tasks(tmp_path: Path, method: str, message: str) -> None:
    with pytest.raises(SystemExit, match=message):
        load(sick(tmp_path, methods=["concat", method]))
    with pytest.raises(SystemExit, match=message):
        load(sick(tmp_path), run=method)


def test_a_block_that_is_not_listed_must_be_sound(tmp_path: Path) -> None:
    blocks = copy.deepcopy(WHOLE["method"])
    blocks["sst_weighted"]["finetune"]["weights"]["sst"] = "much"
    with pytest.raises(SystemExit, match=r"method\.sst_weighted\.finetune\.weights\.sst: 'much': .*valid number"):
        load(sick(tmp_path, method=blocks))


def test_weights_that_are_all_nothing_teach_nothing(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"method\.concat\.finetune\.weights: all are 0, .*give a task a weight"):
        load(edited(tmp_path, "method.concat.finetune", {"weights": {"sst": 0, "para": 0.0, "sts": 0}}))


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (
            "method.concat.finetune",
            {"tasks": ["sst", "stss"]},
            r"method\.concat\.finetune\.tasks: no such main task: stss",
        ),
        ("method.concat.finetune", {"tasks": []}, r"method\.concat\.finetune\.tasks"),
        ("method.concat.finetune", {"tasks": ["sst"], "weights": {"sts": 1.0}}, r"weights: no such main task: sts"),
        ("joined.single_tasks.parts", ["only_sst", "only_par"], r"parts: only_par: there is no block method\.only_par"),
        ("joined.concat", {"label": "x", "source": "x", "parts": ["cosine", "pcgrad"]}, "a block of `method` has this"),
    ],
)
def test_methods_of_some_tasks_must_fit_the_tasks(tmp_path: Path, place: str, value: Any, message: str) -> None:
    with pytest.raises(SystemExit, match=message):
        load(edited(tmp_path, place, value))


def test_a_list_of_methods_that_leaves_a_task_out_is_refused(tmp_path: Path) -> None:
    content = copy.deepcopy(WHOLE) | {"methods": ["only_sst", "only_sts"]}
    for section in ("embed", "export"):
        content[section]["method"] = "only_sst"
    with pytest.raises(SystemExit, match="methods: none of them trains para; list one that does"):
        load(written(tmp_path, content))
