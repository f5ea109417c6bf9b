"""The figures of a run in the form of metrics.json, and those of its encoder straight after phase 1."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from protomtl.core.paths import TOKENS
from protomtl.core.settings import HELD_OUT
from protomtl.core.written import read_rows
from protomtl.metrics import main_figure, overall
from protomtl.model.sequences import TokenTable
from protomtl.tasks.settings import Task


def flat(tasks: dict[str, Task], found: dict[str, dict[str, float]], whole: bool = True) -> dict[str, float]:
    """One figure a task under its name, `overall` as it is and rescaled, and the others as task_metric; nothing for
    unlabelled tasks. whole: these are all main tasks; some alone have no overall."""
    labelled = {name: values for name, values in found.items() if values}
    main = {name: round(values[tasks[name].main_metric], 6) for name, values in labelled.items()}
    others = {
        f"{name}_{figure}": round(value, 6)
        for name, values in labelled.items()
        for figure, value in values.items()
        if figure != tasks[name].main_metric
    }
    if not main or len(main) < len(found) or not whole:
        return main | others
    means = {"overall": overall(tasks, main), "overall_rescaled": overall(tasks, main, rescaled=True)}
    return {name: round(value, 6) for name, value in means.items()} | main | others


def after_first_phase(folder: Path, tasks: Mapping[str, Task]) -> dict[str, dict[str, float]]:
    """Split -> figures of what prototypes said straight after phase 1, before any head: `TASK_first` with prior and
    scale, and of classes `TASK_first_nearest` without (report §4.3).

    folder: of phase 1; empty without one, and without labels.
    """
    found: dict[str, dict[str, float]] = {split: {} for split in HELD_OUT}
    if not (folder / "config.json").exists():
        return found
    for split, figures in found.items():
        for name, task in tasks.items():
            gold = np.asarray(TokenTable.open(TOKENS, name, split).labels)
            if np.isnan(gold).any():
                continue
            said = read_rows(folder / split / f"{name}.csv")
            for column, which in (("readout", "first"), ("nearest", "first_nearest")):
                if column in said:
                    predicted = said[column].to_numpy(gold.dtype if said[column].dtype.kind == "f" else None)
                    figures[f"{name}_{which}"] = round(main_figure(task, gold, predicted), 6)
    return found
