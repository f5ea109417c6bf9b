"""Step `tables`: Tables 1 (dev) and 2 (test), our values beside the paper's, one row a method; comparisons."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from protomtl.analysis.predictions import read_predictions
from protomtl.analysis.settings import Margin
from protomtl.core import sections
from protomtl.core.files import atomic, read_record, write_json
from protomtl.core.paths import results
from protomtl.core.runs import Run, read_runs, seeds_of
from protomtl.core.settings import Backbone, Data, Joined, Method
from protomtl.steps.tables.build import SPLITS, best_figures, build_tables, figures_of, main_figures
from protomtl.steps.tables.compared import comparisons_markdown
from protomtl.steps.tables.joined import Evaluated, join
from protomtl.steps.tables.markdown import TITLES, table_markdown
from protomtl.tasks.settings import Task, main_tasks


def run(
    compare: list[str],
    margin: Margin,
    method: dict[str, Method],
    joined: dict[str, Joined],
    tasks: dict[str, Task],
    data: Data,
    backbone: Backbone,
) -> None:
    """Write results/tables: each table and the comparisons, as CSV and Markdown, and the main figures on dev.

    metrics.json has those of the best method (`best_figures`), few enough for the columns of `dvc exp show`;
    methods.json has all.
    """
    rows: dict[str, Method | Joined] = {**method, **joined}
    sections.check_blocks(f"{sections.PARAMS}: compare", compare, rows)
    tasks, runs = main_tasks(tasks), read_runs()
    evaluated = join(read_evaluated(runs, tasks), joined, tasks)
    about = {"backbone": backbone.label, "data": data.source}
    tables = build_tables(evaluated, compare, rows, tasks, about, margin)
    texts = {name: table_markdown(tables[name], tasks, title) for name, title in TITLES.items()}
    texts["comparisons"] = comparisons_markdown(tables["comparisons"], rows, tasks, seeds_of(runs))
    figures = main_figures(figures_of(evaluated, "dev"), [*tasks])
    with atomic(results("tables")) as part:
        part.mkdir()
        for name, table in tables.items():
            write(table, texts[name], part / name)
        write_json(part / "metrics.json", best_figures(figures, tasks))
        write_json(part / "methods.json", figures)


def read_evaluated(runs: Sequence[Run], tasks: dict[str, Task]) -> Evaluated:
    """What steps `evaluate` and `finetune` wrote of the runs."""
    return Evaluated(
        {split: read_predictions(runs, tasks, split) for split in SPLITS.values()},
        {run: read_record(results("evaluate", *run) / "metrics.json") for run in runs},
        {run: read_record(results("finetune", *run) / "config.json") for run in runs},
    )


def write(table: pd.DataFrame, text: str, path: Path) -> None:
    """Write a table to PATH.csv, and to read to PATH.md and the terminal."""
    table.to_csv(path.with_suffix(".csv"), index=False, lineterminator="\n")
    path.with_suffix(".md").write_text(text, encoding="utf-8")
    print(text)
