"""Tables of methods of which none has trained all tasks: there is no overall, and what else there is stands there."""

import numpy as np
import pandas as pd

from protomtl import params
from protomtl.core.runs import Run
from protomtl.steps.tables.build import build_tables, figures_of, main_figures
from protomtl.steps.tables.compared import comparisons_markdown
from protomtl.steps.tables.joined import Evaluated
from protomtl.steps.tables.markdown import table_markdown
from protomtl.tasks.settings import Task
from tests.support import ROOT

PARAMS = params.load(ROOT / "params.yaml")
FILES = {"train": "a", "dev": "b", "test": "c"}
YES_NO = Task.model_validate({"kind": "binary", "texts": ["t"], "label": "l", "files": FILES})
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
