"""How well an export of another format does: its own answers to the prepared rows of dev and test."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from protomtl.analysis import bootstrap, comparisons
from protomtl.backends.opening import opened
from protomtl.core.paths import PREPARED
from protomtl.core.runs import Run
from protomtl.metrics import main_metric, overall, task_metrics
from protomtl.tasks.settings import Task

TEXTS = ["text_a", "text_b"]  # of a prepared table
Figures = dict[str, list[float | None]]


def figures(folder: Path, record: Mapping[str, Any], tasks: dict[str, Task]) -> dict[str, Figures]:
    """Of dev and test: each task, and overall, with both ends of the 95 % interval; [None] where it is not defined,
    nothing without labels."""
    network = opened(folder, record, 1)
    return {split: of_split(network, tasks, split) for split in ("dev", "test")}


def of_split(network: Any, tasks: dict[str, Task], split: str) -> Figures:
    answered = {name: answers(network, name, task, split) for name, task in tasks.items()}
    resampled = comparisons.resampled_figures(answered, tasks, split)
    main = {}
    for name in set(tasks) & set(resampled):
        table = answered[name]
        gold, said = table.index.get_level_values("gold").to_numpy(float), table.to_numpy(float)[:, 0]
        main[name] = main_metric(tasks[name], task_metrics(tasks[name], gold, said))
    if len(main) == len(tasks):
        main["overall"] = overall(tasks, main)
    return {name: with_interval(value, resampled[name]) for name, value in main.items()}


def with_interval(value: float, resampled: np.ndarray) -> list[float | None]:
    if not np.isfinite(value):
        return [None]
    return [round(value, 6), *bootstrap.interval(resampled[:, 0, 0]).round(6).tolist()]


def answers(network: Any, name: str, task: Task, split: str) -> pd.DataFrame:
    """A row an example, by id and gold, with the one column of the predictions."""
    table = pd.read_parquet(PREPARED / name / f"{split}.parquet")
    rows = [*table[TEXTS[: len(task.texts)]].itertuples(index=False, name=None)]
    outputs = network.outputs(name, [row if task.pair else row[0] for row in rows])
    index = pd.MultiIndex.from_arrays([table["id"], table["label"]], names=["id", "gold"])
    return pd.DataFrame({Run("copy", 1): task.what.predictions(scores(task, outputs))}, index=index)


def scores(task: Task, outputs: np.ndarray) -> np.ndarray:
    """[n, classes] what orders the classes as their probabilities do; of several labels a row these themselves."""
    if task.kind == "binary":  # its one output is the logit of yes
        return np.concatenate([np.zeros_like(outputs), outputs], axis=1)
    return np.asarray(expit(outputs)) if task.kind == "multilabel" else outputs
