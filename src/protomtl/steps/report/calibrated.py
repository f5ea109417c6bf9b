"""Whether each run's probabilities can be believed, of what step `evaluate` wrote."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from protomtl import calibration
from protomtl.core.runs import Run, methods_of, predictions_file
from protomtl.core.settings import HELD_OUT
from protomtl.core.written import read_rows
from protomtl.tasks.settings import Task

FIGURES = {"NLL": calibration.nll, "ECE": calibration.ece, "Brier": calibration.brier, "risk": calibration.aurc}
ROUNDED = 5e-7  # half of the last digit that step `evaluate` writes: by so much a score may be off


class Scored(NamedTuple):
    """Probabilities [n, classes] and labels of a split, as calibration.py takes them."""

    scores: np.ndarray
    labels: np.ndarray


def read(run: Run, task: Task, name: str, split: str) -> Scored | None:
    """What a run said of a split; None without labels or classes, and of a task that it was not trained on."""
    path = predictions_file(run, split, name)
    known = task.what.has_classes and path.exists()
    return scored(read_rows(path, dtype={"id": str}), task, "gold", ROUNDED) if known else None


def scored(table: pd.DataFrame, task: Task, label: str, rounded: float = 0.0) -> Scored | None:
    """Of a table of predictions, whose scores may be off by `rounded`: that far from 0 and 1 they are kept."""
    if not len(table) or table[label].isna().any():
        return None
    scores = apart(table.filter(regex=r"^score_\d+$").to_numpy(float), rounded)
    labels = task.what.targets(task, table[label].to_numpy(float))
    # Rounding and `apart` change the sum by some of the last digits.
    return Scored(scores / scores.sum(1, keepdims=True) if task.what.one_class else scores, labels)


def apart(scores: np.ndarray, rounded: float) -> np.ndarray:
    """[n, classes] scores so far from 0 and 1 as rounding may have moved them.

    A written 0 is any score below 5e-7. As 0 it would be an infinite loss, and a logit of -708 would set the
    temperature. A class that has 0 in all rows, or 1, keeps it: it was held for impossible, or for certain.
    """
    fixed = (scores == 0).all(0) | (scores == 1).all(0)
    return np.where(fixed, scores, np.clip(scores, rounded, 1 - rounded))


def table(runs: Sequence[Run], tasks: Mapping[str, Task]) -> pd.DataFrame:
    """A row for each method and task with classes: figures as they are, the temperature, and figures with it."""
    rows = []
    for method in methods_of(runs):
        for name, task in tasks.items():
            found = [measured(run, task, name) for run in runs if run.method == method]
            known = [row for row in found if row]
            if known:
                rows.append({"method": method, "task": name} | pd.DataFrame(known).mean().to_dict())
    return pd.DataFrame(rows)


def measured(run: Run, task: Task, name: str) -> dict[str, float]:
    """The figures of one run, {} without labels; the temperature is that of dev."""
    dev, test = (read(run, task, name, split) for split in HELD_OUT)
    shown = test or dev
    if shown is None:
        return {}
    several = not task.what.one_class
    heat = None if dev is None else calibration.fit_temperature(logits(dev.scores, several), dev.labels)
    return figures(shown, heat, several)


def figures(shown: Scored, heat: float | None, several: bool) -> dict[str, float]:
    """FIGURES; and the temperature, if one is known, with what changes by it. several: a row may have several
    classes."""
    found = {key: of(*shown) for key, of in FIGURES.items()}
    if heat is None:
        return found
    cooled = calibration.softened(logits(shown.scores, several), heat, several)
    again = {f"{key}, with T": FIGURES[key](cooled, shown.labels) for key in ("NLL", "ECE", "Brier")}
    return found | {"T": heat} | again


def logits(scores: np.ndarray, several: bool) -> np.ndarray:
    """[n, classes] as `calibration.logits_of`, and infinite where a class was held for impossible or certain."""
    found = np.where(scores == 0, -np.inf, calibration.logits_of(scores, several))
    return np.where(scores == 1, np.inf, found) if several else found
