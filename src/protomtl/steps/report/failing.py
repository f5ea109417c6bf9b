"""Tests of meaning: which rows fail under a stress that decides their answer, and what share of them."""

from collections.abc import Mapping
from functools import partial

import numpy as np
import pandas as pd

from protomtl.analysis import bootstrap
from protomtl.analysis.comparisons import SEED
from protomtl.core.runs import methods_of
from protomtl.seeds import generator
from protomtl.steps.report.stressed import Rows, Several, Tables, answers, clean_of, interval, stresses
from protomtl.tasks.settings import Task, clipped

NEAR = 0.1  # of the range of values: answers that are not further apart are the same


def failures(tables: Tables, tasks: Mapping[str, Task]) -> pd.DataFrame:
    """A row for each task, test of meaning and method: the share of rows that fail, and its interval; and by its name
    the label that is right of all rows, where the test decides one.

    A row fails whose answer is not the one that its making decides: another class, or a value that is further off than
    a tenth of its range; of `lower` an answer that is above the one before; of `side` one on the other side of the
    middle. Values are kept within their range.
    Where all rows of all seeds fail, or none does, the interval is that of as many rows of one seed.
    """
    rows: Rows = []
    for name, several in tables.items():
        first = next(iter(several.values()))
        for stress in stresses(first, tests=True):
            cases, _ = answers(several, stress)
            wrong = failed(tasks[name], several, stress)
            random = generator(SEED, "stress", name, stress)
            draws = bootstrap.resample(partial(bootstrap.accuracy, correct=wrong), len(wrong), random)
            right, label = cases[["expected", "label"]].iloc[0]
            named = tasks[name].shown(label) if right == "label" else ""
            about = {"task": name, "stress": stress, "rows": len(cases), "right": right, "label": named}
            for method in methods_of([*several]):
                own = np.array([run.method == method for run in several])
                share = wrong[:, own].mean()
                low, high = exact(share, len(cases)) if share in (0, 1) else interval(draws[:, own])
                rows.append({"method": method} | about | {"failed": share, "low": low, "high": high})
    return pd.DataFrame(rows)


def failed(task: Task, several: Several, stress: str) -> np.ndarray:
    """[n, runs] 1 where a row fails."""
    cases, predicted = answers(several, stress)
    expected = cases["expected"].iloc[0]
    if expected == "lower":
        before, after = (level(task, several, stress, plain) for plain in (True, False))
        return (after > before + 1e-6).astype(float)
    if expected == "side":
        above = level(task, several, stress, False, middle=True) > 0
        return np.asarray(above != (cases["label"].to_numpy(float)[:, None] > sum(task.bounds) / 2), dtype=float)
    right = clean_of(several, cases) if expected == "same" else cases["label"].to_numpy(float)[:, None]
    if task.what.has_classes:
        return np.asarray(predicted != right, dtype=float)
    low, high = task.bounds
    apart = np.abs(clipped(task, predicted) - clipped(task, right))
    return np.asarray(apart > NEAR * (high - low), dtype=float)


def level(task: Task, several: Several, stress: str, plain: bool, middle: bool = False) -> np.ndarray:
    """[n, runs] values, of classes their mean under the scores, of the cases or of their clean rows.

    middle: of classes the mass above the middle one minus that below, of values the distance from the middle.
    """
    cases, predicted = answers(several, stress)
    half = sum(task.bounds) / 2
    if not task.what.has_classes:
        return clipped(task, clean_of(several, cases) if plain else predicted) - (half if middle else 0)
    found = np.zeros_like(predicted)
    for k in range(len(task.class_names)):
        score = clean_of(several, cases, f"score_{k}") if plain else answers(several, stress, f"score_{k}")[1]
        found += (np.sign(k - half) if middle else k) * score
    return found


def exact(share: float, rows: int) -> tuple[float, float]:
    """95 % of a share of 0 or 1, of which resamples are all the same (Clopper and Pearson 1934)."""
    width = bootstrap.unseen(rows)
    return (1 - width, 1.0) if share else (0.0, width)
