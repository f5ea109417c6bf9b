"""Which settings of a run here are not those of a kept run."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from protomtl.core.runner import PHASES
from protomtl.metrics import METRICS
from protomtl.tasks.settings import Task

SHARED = ("data", "rows", "worsened", "split_seed", "backbone", *PHASES)  # settings of all methods
NEUTRAL: dict[str, Any] = {  # of a kept run that does not say them
    "worsened": {"rows": 0, "wrong_labels": 0.0, "to": "any", "imbalance": 1, "seed": 1},
    "split_seed": 2024,
}


def differences(about: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, str]:
    """Dotted path -> `kept value -> value here`, of what both name: a setting that came later has its neutral value."""
    theirs, ours = flat(NEUTRAL | {**about}), flat(NEUTRAL | {**settings})
    skipped = ("label", "source")  # words for people
    return {
        path: f"{theirs[path]} -> {value}"
        for path, value in ours.items()
        if path in theirs and theirs[path] != value and path.split(".")[-1] not in skipped
    }


def flat(tree: Any, path: str = "") -> dict[str, Any]:
    """Dotted path -> value, of the settings; a list is a value."""
    if not isinstance(tree, Mapping):
        return {path: list(tree) if isinstance(tree, tuple) else tree}
    inner = {name: value for name, value in tree.items() if path or name in (*SHARED, "methods")}
    found: dict[str, Any] = {}
    for name, branch in inner.items():
        found |= flat(branch, f"{path}.{name}" if path else name)
    return found


def of_method(changed: Mapping[str, str], method: str) -> list[str]:
    """What is changed for one method: the settings of all, and its own block."""
    own = f"methods.{method}."
    mine = {path: what for path, what in changed.items() if not path.startswith("methods.") or path.startswith(own)}
    return [f"{path} {what}" for path, what in mine.items()]


def of_metrics(
    predicted: Mapping[str, pd.DataFrame], figures: Mapping[int, Mapping[str, float | None]], tasks: Mapping[str, Task]
) -> Iterator[str]:
    """Each task whose kept figure is of another metric than it has here, as `differences` says it.

    Older kept runs do not say their tasks, so the figure must tell: it is of the metric that gives the nearest value on
    the kept predictions. predicted: of each task, a row an example by id and gold, a column a seed; figures: of each
    seed, as they were kept.
    """
    for name, table in predicted.items():
        task, gold = tasks[name], table.index.get_level_values("gold").to_numpy(float)
        for seed, column in table.items():
            if (was := figures[int(str(seed))].get(name)) is None or not np.isfinite(was):
                continue  # not defined, by whichever metric
            said = task.what.targets(task, column.to_numpy(float))
            off = {m: abs(METRICS[m](task.what.targets(task, gold), said) - was) for m in task.what.metrics}
            nearest = min(off, key=lambda metric: (np.nan_to_num(off[metric], nan=np.inf), metric != task.main_metric))
            if nearest != task.main_metric:
                yield f"tasks.{name}.metric {nearest} -> {task.main_metric}"
                break
