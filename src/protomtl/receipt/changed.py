"""Which settings of a run here are not those of a kept run."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from protomtl.core.runner import PHASES
from protomtl.core.sections import merged
from protomtl.metrics import METRICS
from protomtl.tasks.settings import Task

SHARED = ("data", "rows", "worsened", "split_seed", "backbone")  # settings of all methods, beside those of the phases
ROUNDED = 1e-6  # kept figures are: what is nearer to one is equal to it
NEUTRAL: dict[str, Any] = {  # of a kept run that does not say them
    "worsened": {"rows": 0, "wrong_labels": 0.0, "to": "any", "imbalance": 1, "seed": 1},
    "split_seed": 2024,
}


def of_method(about: Mapping[str, Any], settings: Mapping[str, Any], method: str) -> list[str]:
    """`setting kept value -> value here` of each that is another one for a method: of all methods, or of a phase as its
    block makes it. A setting of a phase that came later has, in the kept run, the value that all methods have here."""
    theirs, ours = NEUTRAL | {**about}, NEUTRAL | {**settings}
    blocks = [of.get("methods", settings["methods"])[method] for of in (theirs, ours)]
    found = [line for name in SHARED for line in apart(theirs.get(name), ours.get(name), name) if name in theirs]
    for phase in PHASES:
        bases = filled(theirs.get(phase, {}), ours.get(phase, {})), ours.get(phase, {})
        was, now = (resolved(base, block.get(phase, {})) for base, block in zip(bases, blocks, strict=True))
        if (was is None) != (now is None):
            found.append(f"{phase} {without(was)} -> {without(now)}")
        elif was is not None and now is not None:
            found += [line for option in now for line in apart(was.get(option), now[option], f"{phase}.{option}")]
    return found


def filled(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a kept run with those that came later: also of a block, and of one that was a number before. An empty
    block, as of weights, says that there are none."""
    found = {**ours, **theirs}
    for name in [name for name, value in ours.items() if isinstance(value, Mapping)]:
        was = found[name]
        if isinstance(was, int | float) or (was and isinstance(was, Mapping)):
            found[name] = {**ours[name], **(was if isinstance(was, Mapping) else {})}
    return found


def resolved(base: dict[str, Any], overrides: Any) -> dict[str, Any] | None:
    """The settings of a phase of a method; None where it has no such phase."""
    return None if overrides is False else merged(base, overrides)


def without(settings: Mapping[str, Any] | None) -> str:
    return "false" if settings is None else "its own"


def apart(theirs: Any, ours: Any, path: str) -> Iterator[str]:
    """Each setting under a path that is not the same; of blocks with the same keys key by key."""
    if isinstance(theirs, Mapping) and isinstance(ours, Mapping) and theirs.keys() == ours.keys():
        for name in ours:
            yield from apart(theirs[name], ours[name], f"{path}.{name}")
    elif theirs != ours:
        yield f"{path} {theirs} -> {ours}"


def of_metrics(
    predicted: Mapping[str, pd.DataFrame], figures: Mapping[int, Mapping[str, float | None]], tasks: Mapping[str, Task]
) -> Iterator[str]:
    """Each task whose kept figure is of another metric than it has here, as `of_method` says it.

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
            off = {m: max(ROUNDED, np.nan_to_num(value, nan=np.inf)) for m, value in off.items()}
            nearest = min(off, key=lambda metric: (off[metric], metric != task.main_metric))
            if nearest != task.main_metric:
                yield f"tasks.{name}.metric {nearest} -> {task.main_metric}"
                break
