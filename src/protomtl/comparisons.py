"""Which method is better: resampled figures of all methods, and each against the references in `compare`."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from protomtl import statistics
from protomtl.paths import EVALUATE, run_folder
from protomtl.random import generator
from protomtl.schema import Method, Task

SEED = 1  # of all resamples: the same bytes every time, and the same resamples whichever methods are run

NOTHING = "No comparisons: no method stands beside one that `compare` names."

COLUMNS = ("split", "method", "reference", "figure", "difference", "low", "high", "p", "p_holm")

Resampled = dict[str, np.ndarray]  # figure -> [resamples, methods, seeds]
Row = dict[Any, Any]  # a comparison: COLUMNS


def resampled_figures(methods: list[str], seeds: list[int], tasks: dict[str, Task], split: str) -> Resampled:
    """Accuracy or Pearson correlation of each task that has labels; and `overall`, their mean, if all have them.

    A task's examples are resampled once for all methods and seeds.
    """
    found: Resampled = {}
    for name, task in tasks.items():
        paths = [run_folder(EVALUATE, method, seed) / split / f"{name}.csv" for method in methods for seed in seeds]
        gold, predicted = read_predictions(paths)
        if not np.isnan(gold).any():
            values = resampled_task(task, gold, predicted, generator(SEED, "examples", split, name))
            found[name] = values.reshape(-1, len(methods), len(seeds))
    whole = {"overall": np.mean(list(found.values()), axis=0)} if len(found) == len(tasks) else {}
    return found | whole


def read_predictions(paths: list[Path]) -> tuple[np.ndarray, np.ndarray]:
    """Labels [n] (NaN where there are none) and the predictions of each file [n, files], all of the same examples."""
    first = read(paths[0])
    predicted = np.empty((len(first), len(paths)))
    for column, path in enumerate(paths):
        table = read(path)
        if not table.index.equals(first.index):
            raise SystemExit(f"{path}: not the examples of {paths[0]}; evaluate both again")
        predicted[:, column] = table["prediction"]
    return first["gold"].to_numpy(dtype=float), predicted


def read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, usecols=["id", "gold", "prediction"], dtype={"id": str}, index_col="id")


def resampled_task(task: Task, gold: np.ndarray, predicted: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """[resamples, c] the main figure of a task, for labels [n] and predictions [n, c]."""
    if task.kind == "regression":
        return statistics.resample(lambda counts: statistics.pearson(counts, gold, predicted), len(gold), random)
    correct = (predicted == gold[:, None]).astype(float)
    return statistics.resample(lambda counts: statistics.accuracy(counts, correct), len(gold), random)


def compare(runs: dict[str, pd.DataFrame], resampled: Resampled, references: list[str], split: str) -> list[Row]:
    """A row for each reference, figure and other method: the difference of their means over seeds, its interval, p.

    runs: the figures of each method, a row a seed. p_holm is corrected over the other methods: a family is all
    comparisons of one split with one reference on one figure.
    """
    rows: list[Row] = []
    seeds = statistics.draw_counts(generator(SEED, "seeds"), statistics.RESAMPLES, len(next(iter(runs.values()))))
    for reference in references:
        others = [method for method in runs if method != reference]
        for figure, values in resampled.items():
            drawn = statistics.paired_differences(values, list(runs).index(reference), seeds)
            low, high = statistics.interval(drawn)
            p = statistics.two_sided_p(drawn)
            difference = [runs[method][figure].mean() - runs[reference][figure].mean() for method in others]
            names = (split, others, reference, figure)
            columns = zip(COLUMNS, (*names, difference, low, high, p, statistics.holm(p)), strict=True)
            rows += pd.DataFrame(dict(columns)).round(4).to_dict("records")
    return rows


def markdown(rows: list[Row], blocks: dict[str, Method], tasks: list[str], seeds: list[int]) -> str:
    """The comparisons to read: a table for each split and reference, a row a method."""
    if not rows:
        return f"{NOTHING}\n"
    found = {(row["split"], row["reference"], row["method"], row["figure"]): row for row in rows}
    head = ["method", "overall", "95 % interval", "p", "p, Holm", *(f"{task} (p, Holm)" for task in tasks)]
    lines = []
    for split, reference in dict.fromkeys(key[:2] for key in found):
        lines += [f"## {split}: minus {blocks[reference].label}", "", line(head), "|" + "---|" * len(head)]
        for method in dict.fromkeys(key[2] for key in found if key[:2] == (split, reference)):
            whole, *parts = (found.get((split, reference, method, figure)) for figure in ("overall", *tasks))
            lines.append(line([blocks[method].label, *overall_cells(whole), *map(task_cell, parts)]))
        lines.append("")
    drawn = "examples and seeds, paired by both" if len(seeds) > 1 else "examples (one seed: not of trainings)"
    lines += [
        f"Differences of means over seeds; intervals and p from {statistics.RESAMPLES} resamples of {drawn}.",
        "Holm's p is corrected over the rows of a table, for each figure by itself; not over figures or tables.",
        "The epoch was chosen on dev, which favours every method there: judge by test, where it has labels.",
    ]
    return "\n".join(lines) + "\n"


def line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def overall_cells(row: Row | None) -> list[str]:
    if row is None:
        return ["no labels", "", "", ""]
    return [f"{row['difference']:+.3f}", span(row), f"{row['p']:.3f}", f"{row['p_holm']:.3f}"]


def task_cell(row: Row | None) -> str:
    return "no labels" if row is None else f"{row['difference']:+.3f} ({row['p_holm']:.3f})"


def span(row: Row) -> str:
    return f"{row['low']:+.3f} to {row['high']:+.3f}"
