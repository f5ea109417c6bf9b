"""Whether each run's probabilities can be believed, of what step `evaluate` wrote."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from protomtl import calibration
from protomtl.core.paths import results
from protomtl.core.runs import Run, methods_of
from protomtl.tasks.settings import Task

FIGURES = {"NLL": calibration.nll, "ECE": calibration.ece, "Brier": calibration.brier, "risk": calibration.aurc}


class Scored(NamedTuple):
    """Probabilities [n, classes] and labels of a split, as calibration.py takes them."""

    scores: np.ndarray
    labels: np.ndarray


def read(run: Run, task: Task, name: str, split: str) -> Scored | None:
    """What a run said of a split; None without labels or classes, and of a task that it was not trained on."""
    path = results("evaluate", *run) / split / f"{name}.csv"
    known = task.what.has_classes and path.exists()
    return scored(pd.read_csv(path, dtype={"id": str}), task, "gold") if known else None


def scored(table: pd.DataFrame, task: Task, label: str) -> Scored | None:
    """Of a table of predictions."""
    if not len(table) or table[label].isna().any():
        return None
    scores = table.filter(regex=r"^score_\d+$").to_numpy(float)
    labels = task.what.targets(task, table[label].to_numpy(float))
    # Six digits are kept: the sum may be off by the last.
    return Scored(scores / scores.sum(1, keepdims=True) if task.what.one_class else scores, labels)


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
    dev, test = (read(run, task, name, split) for split in ("dev", "test"))
    shown = test or dev
    if shown is None:
        return {}
    several = not task.what.one_class
    found = {key: of(*shown) for key, of in FIGURES.items()}
    if dev is None:
        return found
    heat = calibration.fit_temperature(calibration.logits_of(dev.scores, several), dev.labels)
    cooled = calibration.tempered(shown.scores, heat, several)
    return (
        found | {"T": heat} | {f"{key}, with T": FIGURES[key](cooled, shown.labels) for key in ("NLL", "ECE", "Brier")}
    )
