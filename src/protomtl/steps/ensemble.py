"""Step `ensemble`: all runs together, each weighted for each task by what it adds on dev; results/ensemble."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import nnls

from protomtl.core.files import atomic, write_json
from protomtl.core.markdown import in_a_line
from protomtl.core.paths import results
from protomtl.core.runs import Run, predictions_file, read_runs
from protomtl.core.written import read_rows
from protomtl.metrics import main_figure, overall
from protomtl.tasks.settings import Task, main_tasks

COLUMNS = {"head": r"^score_\d+$", "prototypes": r"^nearest_\d+$"}  # a class's score in a run's predictions
KEY = ["id", "gold"]
ITERATIONS = 1000  # of the mixture's weights; they move no further by then


def run(tasks: dict[str, Task]) -> None:
    """Write the weights of the runs (CSV), the figures of both ensembles (JSON) and the weighted one's predictions.

    A run counts twice where there are classes: by its head, and by its prototypes. Weights are chosen on dev alone;
    test sees the result. `mean` is the ensemble of all heads with equal weights.
    """
    runs = read_runs()
    figures: dict[str, dict[str, dict[str, float]]] = {"dev": {}, "test": {}}
    tasks = main_tasks(tasks)
    table = pd.DataFrame([(*run, kind) for kind in COLUMNS for run in runs], columns=["method", "seed", "by"])
    with atomic(results("ensemble")) as part:
        for name, task in tasks.items():
            members = [run for run in runs if predictions_file(run, "dev", name).exists()]  # that have trained the task
            read = {split: outputs(members, split, name, task) for split in figures}
            weights = weigh(task, *read["dev"])
            table[name] = placed(weights, members, table)
            for split, (gold, scores) in read.items():
                write(part / split / f"{name}.csv", task, gold, np.tensordot(weights, scores, 1))
                if not np.isnan(gold).any():
                    figures[split][name] = compared(task, gold, scores, weights, len(members))
        table.round(4).to_csv(part / "weights.csv", index=False, lineterminator="\n")
        found = {split: with_overall(tasks, values) for split, values in figures.items() if values}
        write_json(part / "metrics.json", found)
    for split, values in found.items():
        print(f"ensemble of {len(runs)} runs: {split} {in_a_line(values)}")


def outputs(members: list[Run], split: str, name: str, task: Task) -> tuple[np.ndarray, np.ndarray]:
    """Labels [n] (NaN without) and scores of a task's split: [members, n, 1] values of regression, else
    [2 · members, n, classes] of all heads, then of all prototypes. SystemExit where two members have other examples, or
    the same in another order."""
    paths = [predictions_file(run, split, name) for run in members]
    as_text: dict[str, Any] = {"dtype": {"id": str}, "keep_default_na": False, "na_values": [""]}  # an id such as NA
    tables = [read_rows(path, **as_text) for path in paths]
    for path, table in zip(paths[1:], tables[1:], strict=True):
        if not table[KEY].astype({"gold": float}).equals(tables[0][KEY].astype({"gold": float})):
            raise SystemExit(f"{path}: not the examples of {paths[0]}, or in another order; evaluate both runs again")
    by = [*COLUMNS.values()][: 2 if task.what.one_class else 1]
    patterns = by if task.what.has_classes else ["prediction"]
    scores = [table.filter(regex=pattern).to_numpy(float) for pattern in patterns for table in tables]
    return tables[0]["gold"].to_numpy(float), np.stack(scores)


def placed(weights: np.ndarray, members: list[Run], table: pd.DataFrame) -> list[float]:
    """The weights of the members in the rows of the table; 0 for what is none, as prototypes of regression."""
    known = dict(zip(((*run, kind) for kind in COLUMNS for run in members), weights, strict=False))
    return [float(known.get(row, 0.0)) for row in table[["method", "seed", "by"]].itertuples(index=False, name=None)]


def weigh(task: Task, gold: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """[members] weights, at least 0, that are best on these labels; their sum is 1.

    gold: [n]; scores: [members, n, classes or 1]. Both problems are convex: for classes, the largest likelihood of
    a mixture of the members (by expectation maximisation); for regression, least squares of the centred values.
    """
    if not task.what.has_classes:
        centred = scores[:, :, 0] - scores[:, :, 0].mean(1, keepdims=True)
        found = nnls(centred.T, gold - gold.mean())[0]
        return found / found.sum() if found.sum() else np.full(len(scores), 1 / len(scores))
    likelihood = np.maximum(task.what.right(task, scores, gold), 1e-6).reshape(len(scores), -1)  # [members, …]
    weights = np.full(len(scores), 1 / len(scores))
    for _ in range(ITERATIONS):
        weights = weights * (likelihood / (weights @ likelihood)).mean(1)
    return weights


def compared(task: Task, gold: np.ndarray, scores: np.ndarray, weights: np.ndarray, heads: int) -> dict[str, float]:
    """The main figure of the weighted ensemble, of the mean of all heads (the first scores), and of the best head."""
    together = {"weighted": np.tensordot(weights, scores, 1), "mean": scores[:heads].mean(0)}
    found = {name: figure(task, gold, values) for name, values in together.items()}
    best = np.nanmax if task.figure.sign > 0 else np.nanmin
    members = [figure(task, gold, values) for values in scores[:heads]]
    return found | {"best_member": math.nan if np.isnan(members).all() else float(best(members))}


def figure(task: Task, gold: np.ndarray, scores: np.ndarray) -> float:
    return round(main_figure(task, gold, task.what.predictions(scores)), 6)


def with_overall(tasks: dict[str, Task], found: dict[str, dict[str, float]]) -> dict[str, float]:
    """TASK and overall of the weighted ensemble; `_mean` and `_best_member` beside each."""
    ends = {"weighted": "", "mean": "_mean", "best_member": "_best_member"}
    flat = {f"{name}{end}": values[kind] for name, values in found.items() for kind, end in ends.items()}
    if len(found) < len(tasks):
        return flat
    whole = {
        f"overall{end}": round(overall(tasks, {name: values[kind] for name, values in found.items()}), 6)
        for kind, end in ends.items()
    }
    return whole | flat


def write(path: Path, task: Task, gold: np.ndarray, scores: np.ndarray) -> None:
    """gold, prediction and the score of each class, in the order of the members' predictions."""
    path.parent.mkdir(parents=True, exist_ok=True)
    classes = [f"score_{k}" for k in range(scores.shape[1])] if task.what.has_classes else []
    values = {"gold": gold, "prediction": task.what.predictions(scores)}
    table = pd.DataFrame(values | {c: scores[:, k] for k, c in enumerate(classes)})
    table.round(6).to_csv(path, index=False, lineterminator="\n")
