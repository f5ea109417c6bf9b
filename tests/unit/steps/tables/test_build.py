"""Tables of methods of which none has trained all tasks: there is no overall, and what else there is stands there."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from protomtl import params
from protomtl.analysis.comparisons import COLUMNS
from protomtl.core.files import read_json, write_json
from protomtl.core.runs import Run
from protomtl.steps.report.pages import main_table
from protomtl.steps.tables.build import best_figures, build_tables, figures_of, main_figures
from protomtl.steps.tables.compared import comparisons_markdown, overall_cells
from protomtl.steps.tables.joined import Evaluated
from protomtl.steps.tables.markdown import table_markdown
from protomtl.tasks.settings import Task
from tests.support import ROOT

PARAMS = params.load(ROOT / "params.yaml")
FILES = {"train": "a", "dev": "b", "test": "c"}
YES_NO = Task.model_validate({"kind": "binary", "texts": ["t"], "label": "l", "files": FILES})
VALUES = {"kind": "regression", "range": [0, 5], "texts": ["t"], "label": "l", "files": FILES}
TASKS = {"a": YES_NO, "b": YES_NO}
RUNS = [Run("concat", 1), Run("cosine", 1)]


def evaluated() -> Evaluated:
    """`concat` has trained a, and is right on 3 of 4; `cosine` has trained b, and is right on 2 of 4."""
    rows = pd.MultiIndex.from_tuples([("w", 0.0), ("x", 1.0), ("y", 0.0), ("z", 1.0)], names=["id", "gold"])
    nothing = [np.nan] * 4
    predicted = {
        "a": pd.DataFrame({RUNS[0]: [0.0, 1.0, 0.0, 0.0], RUNS[1]: nothing}, rows),
        "b": pd.DataFrame({RUNS[0]: nothing, RUNS[1]: [1.0, 1.0, 0.0, 0.0]}, rows),
    }
    metrics = {RUNS[0]: {"dev": {"a": 0.75}, "test": {"a": 0.75}}, RUNS[1]: {"dev": {"b": 0.5}, "test": {"b": 0.5}}}
    record = {"finetune": {"epochs": 1}, "steps": 5, "best_epoch": 1}
    return Evaluated(dict.fromkeys(("dev", "test"), predicted), metrics, dict.fromkeys(RUNS, record))


def test_each_method_has_its_own_task_and_nothing_is_compared() -> None:
    found = evaluated()
    about = {"backbone": "small", "data": "folder"}
    tables = build_tables(found, ["concat"], PARAMS.method, TASKS, about, 0.01)
    dev = tables["table1"].set_index("method")
    assert dev.loc["concat", "a"] == 0.75 and dev.loc["cosine", "b"] == 0.5
    assert pd.isna(dev.loc["concat", "b"]) and dev["overall"].isna().all() and tables["comparisons"].empty
    assert "0.750" in table_markdown(tables["table1"], TASKS, "Table 1")
    assert comparisons_markdown(tables["comparisons"], PARAMS.method, TASKS, [1]).startswith("No comparisons")
    assert np.isnan(main_figures(figures_of(found, "dev"), [*TASKS])["cosine"]["overall"])


def row_of(*shares: float) -> pd.Series:
    """The row of a method whose seeds are right on these shares of eight rows; its heads were fitted at once."""
    gold = pd.MultiIndex.from_tuples([(str(k), 0.0) for k in range(8)], names=["id", "gold"])
    runs = [Run("concat", seed) for seed in range(len(shares))]
    said = {run: [0.0 if k < 8 * share else 1.0 for k in range(8)] for run, share in zip(runs, shares, strict=True)}
    predictions, figures = {"a": pd.DataFrame(said, gold)}, [{"a": share, "overall": share} for share in shares]
    metrics = {run: {"dev": own, "test": own} for run, own in zip(runs, figures, strict=True)}
    record = {"finetune": {"epochs": 3}, "steps": 0, "best_epoch": 0}
    found = Evaluated({"dev": predictions, "test": predictions}, metrics, dict.fromkeys(runs, record))
    assert main_figures(figures_of(found, "dev"), ["a"])["concat"]["a"] == np.mean(shares)
    about = {"backbone": "small", "data": "folder"}
    return build_tables(found, [], PARAMS.method, {"a": YES_NO}, about, 0.01)["table2"].iloc[0]


def test_a_row_of_several_seeds_has_their_mean_and_deviation() -> None:
    """Where two say the same, the interval is that of one by itself."""
    both, one, twice = row_of(0.75, 0.25), row_of(0.75), row_of(0.75, 0.75)
    assert both[["a", "a_sd", "epochs"]].tolist() == [0.5, round(0.5 / 2**0.5, 6), 0] and one["a_sd"] is None
    assert one["a_low"] < one["a"] and twice[["a", "a_low", "a_high"]].equals(one[["a", "a_low", "a_high"]])


def test_a_figure_to_read_is_rounded_once() -> None:
    """0.771524 is 0.772; 0.7715 of it would be 0.771."""
    run, found = Run("concat", 1), evaluated()
    metrics = {run: {split: {"a": 0.771524, "overall": 0.771524} for split in ("dev", "test")}}
    whole = {split: {"a": own["a"][[run]]} for split, own in found.predictions.items()}
    about = {"backbone": "small", "data": "folder"}
    tables = build_tables(Evaluated(whole, metrics, found.records), [], PARAMS.method, {"a": YES_NO}, about, 0.01)
    assert "0.772" in (text := table_markdown(tables["table1"], {"a": YES_NO}, "Table 1")) and "0.771" not in text


@pytest.mark.parametrize("several", [False, True])
def test_a_method_without_overall_has_as_many_cells(several: bool) -> None:
    row = dict.fromkeys(COLUMNS, 0.0)
    assert len(overall_cells(None, several)) == len(overall_cells(row, several)) == 7 + several


def test_what_a_row_lacks_is_called_by_its_reason() -> None:
    """No method has all tasks: that is not a want of labels, and the page shows what there is."""
    found = evaluated()
    table = build_tables(found, [], PARAMS.method, TASKS, {"backbone": "small", "data": "folder"}, 0.01)["table1"]
    assert "no labels" not in (text := table_markdown(table, TASKS, "Table 1")) and "has not trained the task" in text
    shown, note = main_table(table, [*TASKS])
    assert shown.table is not None and [*shown.table["overall"]] == ["n/a", "n/a"] and "not trained" in str(note.text)
    assert str(shown.table["a"][0]).startswith("0.750 (") and shown.table["a"][1] == "n/a"


def test_one_task_without_labels_hides_no_other() -> None:
    """As where test of one task alone is not public."""
    found = evaluated()
    right = found.predictions["dev"]["a"][[RUNS[0], RUNS[0]]].set_axis([*found.predictions["dev"]["a"]], axis=1)
    bare = right.set_axis(pd.MultiIndex.from_product([["w", "x", "y", "z"], [np.nan]], names=["id", "gold"]))
    both = {"dev": {"a": right, "b": right}, "test": {"a": bare, "b": right}}
    metrics = {run: {"dev": {"a": 0.75, "b": 0.75, "overall": 0.75}, "test": {"b": 0.75}} for run in RUNS}
    about = {"backbone": "small", "data": "folder"}
    tables = build_tables(Evaluated(both, metrics, found.records), [], PARAMS.method, TASKS, about, 0.01)
    shown, _ = main_table(tables["table2"], [*TASKS])
    assert shown.table is not None and {*shown.table["a"], *shown.table["overall"]} == {"no labels"}
    assert all(str(cell).startswith("0.750 (") for cell in shown.table["b"])
    (part,) = main_table(tables["table2"].assign(b=np.nan), [*TASKS])
    assert part.text == "These data have no labels."


def test_of_methods_with_overall_the_best_one_is_named() -> None:
    own = {"a": 0.5, "b": 0.5}
    figures = {"concat": own | {"overall": 0.7}, "cosine": own | {"overall": 0.8}, "only_a": own | {"overall": np.nan}}
    assert best_figures(figures, TASKS) == {"best": "cosine", "overall": 0.8} | own


def test_where_no_method_has_all_tasks_none_is_the_best(tmp_path: Path) -> None:
    """Of each task the best figure that there is: of errors the smallest, and none where no method has one."""
    error = Task.model_validate(VALUES | {"metric": "rmse"})
    tasks = TASKS | {"c": error, "d": error}
    nothing = dict.fromkeys(("overall", *tasks), np.nan)
    figures = {name: nothing | own for name, own in {"p": {"a": 0.6, "c": 2.0}, "q": {"a": 0.7, "c": 3.0}}.items()}
    write_json(tmp_path / "metrics.json", best_figures(figures, tasks))
    found = read_json(tmp_path / "metrics.json")
    assert found == {"best": None, "overall": None, "a": 0.7, "b": None, "c": 2.0, "d": None}
