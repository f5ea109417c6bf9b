"""How well an export of another format does, and how far it can be trusted: its own answers to prepared rows."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from protomtl.analysis import bootstrap, comparisons
from protomtl.core.paths import PREPARED
from protomtl.core.runs import Run
from protomtl.core.settings import HELD_OUT
from protomtl.metrics import main_figure, overall
from protomtl.seeds import some_rows
from protomtl.steps.export.trust import HALVES, OTHERS, ROWS, Rows, calibrated, noticed, of_other_texts
from protomtl.tasks.settings import Task, clipped

TEXTS = ["text_a", "text_b"]  # of a prepared table
Figures = dict[str, list[float | None]]
Texts = list[tuple[str, ...]]  # of each row one or two


def figures(network: Any, tasks: dict[str, Task]) -> dict[str, Figures]:
    """Of dev and test: each task, and overall, with both ends of the 95 % interval; [None] where it is not defined,
    nothing without labels."""
    return {split: of_split(network, tasks, split) for split in HELD_OUT}


def of_split(network: Any, tasks: dict[str, Task], split: str) -> Figures:
    answered = {name: answers(network, name, task, split) for name, task in tasks.items()}
    resampled = comparisons.resampled_figures(answered, tasks, split)
    main = {}
    for name in set(tasks) & set(resampled):
        table = answered[name]
        gold, said = table.index.get_level_values("gold").to_numpy(float), table.to_numpy(float)[:, 0]
        main[name] = main_figure(tasks[name], gold, said)
    if len(main) == len(tasks):
        main["overall"] = overall(tasks, main)
    return {name: with_interval(value, resampled[name]) for name, value in main.items()}


def with_interval(value: float, resampled: np.ndarray) -> list[float | None]:
    """As build.figures: without an interval where there is none."""
    ends = bootstrap.interval(resampled[:, 0, 0])
    return [round(value, 6), *ends[~np.isnan(ends)].round(6).tolist()] if np.isfinite(value) else [None]


def answers(network: Any, name: str, task: Task, split: str) -> pd.DataFrame:
    """A row an example, by id and gold, with the one column of what `predict` says."""
    table = prepared(name, split)
    outputs = network.outputs(name, shaped(task, texts_of(task, table)))
    index = pd.MultiIndex.from_arrays([table["id"], table["label"]], names=["id", "gold"])
    said = task.what.written(clipped(task, task.what.predictions(scores(task, outputs))))
    return pd.DataFrame({Run("copy", 1): said}, index=index)


def scores(task: Task, outputs: np.ndarray) -> np.ndarray:
    """[n, classes] what orders the classes as their probabilities do; of several labels a row these themselves."""
    logits = task.what.class_logits(outputs)
    return np.asarray(expit(logits)) if task.what.has_classes and not task.what.one_class else logits


def trusted(network: Any, tasks: dict[str, Task], seed: int) -> dict[str, Any]:
    """Temperatures and thresholds of the copy's own answers, as `trust` finds those of the model."""
    found: dict[str, Any] = {}
    for name, task in tasks.items():
        own = {split: own_rows(network, name, task, split, seed) for split in HALVES}
        others = {split: strangers(network, tasks, name, split, seed) for split in HALVES}
        found[name] = calibrated(task, own) | noticed(task, own, others, network.means[name])
    return found


def own_rows(network: Any, name: str, task: Task, split: str, seed: int) -> Rows:
    table = prepared(name, split)
    table = table.iloc[some_rows(len(table), ROWS, seed, "trust", name, split)]
    return asked(network, name, task, texts_of(task, table), table["label"].to_numpy(float))


def strangers(network: Any, tasks: Mapping[str, Task], name: str, split: str, seed: int) -> Rows | None:
    """Texts of the other tasks as if they were the task's, as in trust.strangers. None where it has none."""
    task, texts = tasks[name], []
    for other in of_other_texts(tasks, name):
        found = reshaped(texts_of(tasks[other], prepared(other, split)), len(task.texts))
        texts += [found[k] for k in some_rows(len(found), OTHERS, seed, "trust", name, split)]
    return asked(network, name, task, texts, np.zeros(len(texts))) if texts else None


def reshaped(texts: Texts, sides: int) -> Texts:
    """Rows of so many texts: of a pair the first one, and single texts each with the one behind it."""
    if texts and len(texts[0]) < sides:
        return [(a, b) for (a,), (b,) in pairwise(texts)]
    return [row[:sides] for row in texts]


def asked(network: Any, name: str, task: Task, texts: Texts, labels: np.ndarray) -> Rows:
    rows = shaped(task, texts)
    return network.outputs(name, rows), network.vectors(name, rows), labels


def prepared(name: str, split: str) -> pd.DataFrame:
    return pd.read_parquet(PREPARED / name / f"{split}.parquet")


def texts_of(task: Task, table: pd.DataFrame) -> Texts:
    return [*table[TEXTS[: len(task.texts)]].itertuples(index=False, name=None)]


def shaped(task: Task, texts: Texts) -> list[Any]:
    """Rows as networks take them: a single text by itself."""
    return [row if task.pair else row[0] for row in texts]
