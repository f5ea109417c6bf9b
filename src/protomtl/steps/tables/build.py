"""Tables 1 and 2 as data: our figures beside the paper's, one row a method."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from protomtl.analysis import bootstrap, comparisons, trainings
from protomtl.core.runs import Run, methods_of, seeds_of
from protomtl.core.settings import Joined, Method
from protomtl.steps.tables.joined import Evaluated
from protomtl.tasks.settings import Task

PAPER = Path(__file__).with_name("paper.csv")
DIGITS = 6  # as the figures of a run are recorded: who reads a table rounds them once
SPLITS = {"table1": "dev", "table2": "test"}
PAPERS = {
    "sst": ("classification", 5, "accuracy"),
    "para": ("binary", 2, "accuracy"),
    "sts": ("regression", 6, "pearson"),
}


def build_tables(
    evaluated: Evaluated,
    references: Sequence[str],
    blocks: Mapping[str, Method | Joined],
    tasks: dict[str, Task],
    about: Mapping[str, str],
    margin: float,
) -> dict[str, pd.DataFrame]:
    """table1 (dev), table2 (test), and comparisons of every method with each of `references`.

    margin: differences within it do not matter; about: columns that are the same in each row (data, backbone).
    """
    tables, compared = {}, []
    for name, split in SPLITS.items():
        figures = figures_of(evaluated, split)
        resampled = comparisons.resampled_figures(evaluated.predictions[split], tasks, split)
        tables[name] = table_of(figures, resampled, evaluated.records, blocks, tasks, split, about)
        there = [reference for reference in references if reference in figures]
        sizes = comparisons.examples(evaluated.predictions[split], tasks)
        compared += comparisons.compare(figures, resampled, tasks, there, split, margin, sizes)
    tables["comparisons"] = pd.DataFrame(compared, columns=comparisons.COLUMNS)
    return {name: table.round(DIGITS) for name, table in tables.items()}


def figures_of(evaluated: Evaluated, split: str) -> dict[str, pd.DataFrame]:
    """Method -> its figures: a row a seed, a column each (none without labels, NaN of other tasks than its own)."""
    runs = [*evaluated.metrics]
    every = dict.fromkeys(figure for run in runs for figure in evaluated.metrics[run][split])
    return {
        method: pd.DataFrame(
            [evaluated.metrics[Run(method, seed)][split] for seed in seeds_of(runs)], seeds_of(runs), [*every], float
        )
        for method in methods_of(runs)
    }


def table_of(
    figures: Mapping[str, pd.DataFrame],
    resampled: comparisons.Resampled,
    records: Mapping[Run, Mapping[str, Any]],
    blocks: Mapping[str, Method | Joined],
    tasks: Mapping[str, Task],
    split: str,
    about: Mapping[str, str],
) -> pd.DataFrame:
    """One row a method: for each figure our mean over seeds and what belongs to it (`columns`).

    figures: of each method, a row a seed; resampled: the same figures on resampled examples.
    """
    paper = papers_figures(tasks)
    intervals = {figure: bootstrap.interval(values.mean(2)) for figure, values in resampled.items()}
    rows = []
    for place, (name, run) in enumerate(figures.items()):
        own = [records[Run(name, seed)] for seed in run.index]
        steps = [record["steps"] for record in own]
        row: dict[str, Any] = {"method": name, "label": blocks[name].label, "source": blocks[name].source}
        for figure in (*tasks, "overall"):
            theirs = paper[figure].get((name, split)) if figure in paper else None
            row |= columns(figure, run.get(figure), intervals[figure][:, place] if figure in run else None, theirs)
        row |= {c: run[c].mean(skipna=False) for c in map(str, run) if c not in (*tasks, "overall")}
        row |= {
            "epochs": own[0]["finetune"]["epochs"] if steps[0] else 0,  # heads that were fitted at once
            "steps": steps[0] if len({*steps}) == 1 else ", ".join(map(str, steps)),  # some seeds may end early
            "best_epoch": ", ".join(str(record["best_epoch"]) for record in own),
            "seeds": ", ".join(map(str, run.index)),
            **about,
        }
        rows.append(row)
    return pd.DataFrame(rows)


def papers_figures(tasks: Mapping[str, Task]) -> pd.DataFrame:
    """The paper's figures by method and split, a column for each of its tasks that is among these; and `overall`, if
    they are these three."""
    what = {name: (task.kind, task.number_of_classes, task.main_metric) for name, task in tasks.items()}
    same = [name for name in PAPERS if what.get(name) == PAPERS[name]]
    whole = ["overall"] if what == PAPERS else []
    return pd.read_csv(PAPER).set_index(["method", "split"])[[*same, *whole]]


def columns(figure: str, ours: pd.Series | None, interval: np.ndarray | None, theirs: float | None) -> dict[str, Any]:
    """Mean, standard deviation and interquartile mean over seeds, 95 % interval over examples, the paper's value, the
    difference."""
    undefined = ours is not None and ours.isna().any()
    low, high = (None, None) if interval is None or undefined else interval
    mean = None if ours is None or undefined else ours.mean()
    middle = None if mean is None or ours is None else trainings.interquartile_mean(ours.to_numpy())
    return {
        figure: mean,
        f"{figure}_sd": None if mean is None or ours is None or len(ours) == 1 else ours.std(ddof=1),
        f"{figure}_iqm": middle,
        f"{figure}_low": low,
        f"{figure}_high": high,
        f"{figure}_paper": theirs,
        f"{figure}_difference": None if mean is None or theirs is None else mean - theirs,
    }


def best_figures(figures: Mapping[str, Mapping[str, float]], tasks: Mapping[str, Task]) -> dict[str, Any]:
    """The method of the largest overall, and its figures; where no method has all tasks there is no best one, and of
    each task the best figure that any has. figures: `main_figures`."""
    whole = [name for name, own in figures.items() if np.isfinite(own["overall"])]
    if whole:
        best = max(whole, key=lambda name: figures[name]["overall"])
        return {"best": best, **figures[best]}
    found: dict[str, Any] = {"best": None, "overall": math.nan}
    for name, task in tasks.items():
        choose = max if task.figure.sign > 0 else min
        found[name] = choose((own[name] for own in figures.values() if np.isfinite(own[name])), default=math.nan)
    return found


def main_figures(figures: Mapping[str, pd.DataFrame], tasks: Sequence[str]) -> dict[str, dict[str, float]]:
    """Method -> the mean over seeds of overall and of each task; NaN of what no method has."""
    names = ["overall", *tasks]
    return {
        method: {name: round(float(run[name].mean(skipna=False)), 4) for name in names}
        for method, run in ((method, run.reindex(columns=names)) for method, run in figures.items())
    }
