"""Each method of a run here beside the same method of a kept run: same bytes, equivalent, different, or not to tell."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from protomtl.analysis import bootstrap, comparisons
from protomtl.analysis.predictions import Predictions, read_run, side_by_side
from protomtl.core.files import read_record
from protomtl.core.paths import results
from protomtl.core.runs import Run, predictions_file
from protomtl.receipt import here
from protomtl.receipt.changed import of_method, of_metrics
from protomtl.receipt.judging import OPEN, by_figures, judged
from protomtl.receipt.kept import Kept
from protomtl.tasks.settings import Task
from protomtl.verification import LOCK, read_lock

Told = tuple[str, str, tuple[float, float] | None]  # verdict, reason, and the interval of the difference if it has one


class Row(NamedTuple):
    """A method. figures: kept and here, of overall and of each task, on the split that decides; interval: of the
    difference of overall, here minus kept, or None where no predictions were kept."""

    method: str
    label: str
    verdict: str
    why: str
    seeds: list[int]
    figures: dict[str, tuple[float, float]]
    interval: tuple[float, float] | None

    @property
    def difference(self) -> float:
        before, now = self.figures["overall"]
        return now - before


def compare(kept: Kept, settings: Mapping[str, Any], tasks: dict[str, Task], margin: float) -> list[Row]:
    """A row for each method that is in both, with the seeds that are in both.

    settings: of the run here (here.settings); margin: of overall, within which two runs count as equivalent.
    """
    found = []
    outputs = {path: md5 for outs in read_lock().values() for path, md5 in outs.items()} if LOCK.exists() else {}
    for method, label in kept.labels.items():
        runs = [run for run in (Run(method, seed) for seed in kept.seeds) if is_here(run)]
        if method in settings["methods"] and runs:
            here.refuse_damaged(runs, [*tasks])
            changed = of_method(kept.about, settings, method)
            found.append(row(kept, method, label, runs, tasks, margin, changed, outputs))
    return found


def is_here(run: Run) -> bool:
    return (results("evaluate", *run) / "metrics.json").exists()


def row(
    kept: Kept,
    method: str,
    label: str,
    runs: list[Run],
    tasks: dict[str, Task],
    margin: float,
    changed: list[str],
    outputs: Mapping[str, str],
) -> Row:
    """One method. changed: what in its settings is not as it was; outputs: of dvc.lock, each with its MD5."""
    split = deciding(runs)
    tasks = {name: task for name, task in tasks.items() if all(predictions_file(r, split, name).exists() for r in runs)}
    figures = figures_of(kept, runs, split, tasks)
    before, now = figures["overall"]
    told: Told
    if changed:
        told = OPEN, f"other settings: {', '.join(changed)}", None
    elif others := other_tasks(kept, runs, split, tasks):
        told = OPEN, f"tasks of one run alone: {', '.join(others)}", None
    elif kept.evaluated is None:
        told = *by_figures(now - before, margin, same_bytes(kept, runs, outputs)), None
    else:
        told = by_predictions(kept, runs, split, tasks, now - before, margin, same_bytes(kept, runs, outputs))
    verdict, why, interval = told
    return Row(method, label, verdict, why, [run.seed for run in runs], figures, interval)


def by_predictions(
    kept: Kept,
    runs: list[Run],
    split: str,
    tasks: dict[str, Task],
    difference: float,
    margin: float,
    bytes_same: bool | None,
) -> Told:
    """Of the difference of overall, and of each prediction."""
    assert kept.evaluated is not None  # noqa: S101  # for the type checker
    try:
        both = paired(kept, runs, split, tasks)
        every = [paired(kept, runs, other, tasks) for other in kept.evaluated.predictions]
    except SystemExit:
        return OPEN, "other examples than those of the kept run", None
    figures = {run.seed: kept.evaluated.metrics[run][split] for run in runs}
    if others := [*of_metrics({name: pd.DataFrame(t["kept"]) for name, t in both.items()}, figures, tasks)]:
        return OPEN, f"other settings: {', '.join(others)}", None
    same = bool(tasks) and all(map(same_predictions, every))
    known = np.isfinite(difference)  # not of a method that trains some tasks
    interval = interval_of(both, tasks, split) if known else (np.nan, np.nan)
    if np.isfinite(interval).all():
        return *judged(difference, interval, margin, bytes_same, same), interval
    if same:
        return *judged(0.0, (0.0, 0.0), margin, bytes_same, same), None
    return OPEN, "too few examples for an interval" if known else "a figure is not defined", None


def other_tasks(kept: Kept, runs: list[Run], split: str, tasks: Mapping[str, Task]) -> list[str]:
    """Tasks of which one run has predictions and the other none, as of a task that was renamed: nothing could be said
    of them. Of a run that was kept without predictions they are those that its tables lack."""
    if kept.evaluated is None:
        return [name for name in tasks if name not in kept.tables[split]]
    found = kept.evaluated.predictions.get(split, {}).items()
    theirs = {name for name, table in found if table.reindex(columns=runs).notna().any(axis=None)}
    return sorted(theirs ^ {*tasks})


def deciding(runs: list[Run]) -> str:
    """Test, or dev where test has not the labels of all that dev has."""
    found = [metrics_of(run) for run in runs]
    return "test" if all(of["dev"].keys() <= of["test"].keys() for of in found) else "dev"


def metrics_of(run: Run) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = read_record(results("evaluate", *run) / "metrics.json")
    return found


def figures_of(kept: Kept, runs: list[Run], split: str, tasks: Mapping[str, Task]) -> dict[str, tuple[float, float]]:
    """Kept and here: the means over the runs, or where their figures were not kept one by one, over all kept seeds."""
    found = {}
    for name in ("overall", *tasks):
        mine = [metrics_of(run)[split].get(name) for run in runs]
        if kept.evaluated is None:
            table = kept.tables[split].set_index("method")  # where a method is no part of a row that is put together
            theirs: list[float | None] = [float(str(table.loc[runs[0].method, name])) if name in table else None]
        else:
            theirs = [kept.evaluated.metrics[run][split].get(name) for run in runs]
        found[name] = (mean(theirs), mean(mine))
    return found


def mean(values: list[float | None]) -> float:
    return float(np.mean([np.nan if value is None else value for value in values]))


def paired(kept: Kept, runs: list[Run], split: str, tasks: Mapping[str, Task]) -> Predictions:
    """Of each task the predictions of the kept runs and of those here, of the same examples. SystemExit for others."""
    assert kept.evaluated is not None  # noqa: S101  # for the type checker
    found = {}
    for name in tasks:
        table = kept.evaluated.predictions[split].get(name, pd.DataFrame())
        if not {*runs} <= {*table.columns}:
            raise SystemExit(f"{kept.folder}: has no predictions of {name}")
        columns = {Run("kept", run.seed): table[run] for run in runs}
        columns |= {Run("here", run.seed): read_run(run, split, name) for run in runs}
        found[name] = side_by_side(columns, [*columns])
    return found


def same_predictions(both: Predictions) -> bool:
    return all(np.array_equal(table["kept"], table["here"], equal_nan=True) for table in both.values())


def interval_of(both: Predictions, tasks: dict[str, Task], split: str) -> tuple[float, float]:
    """95 % of the difference of overall, here minus kept, over examples and seeds that are paired."""
    values = comparisons.resampled_figures(both, tasks, split)["overall"]
    seeds = comparisons.draw_seeds(values.shape[2])
    low, high = bootstrap.percentiles(bootstrap.paired_differences(values, 0, seeds)[:, 0])
    return float(low), float(high)


def same_bytes(kept: Kept, runs: list[Run], outputs: Mapping[str, str]) -> bool | None:
    """Whether all weights and curves are those of the kept run; None where their digests were not kept.

    Digests of files decide. A run that was kept without them has those of whole folders, with records in them: if
    they are not equal, nothing is known of the weights.
    """
    ours = {path: digest for run in runs for path, digest in here.digests(run).items()}
    theirs = {path: digest for path, digest in kept.digests.items() if any(of_run(path, run) for run in runs)}
    if theirs:
        return ours == theirs
    folders = {path: md5 for path, md5 in kept.folders.items() if any(of_run(path, run) for run in runs)}
    return True if folders and all(outputs.get(path) == md5 for path, md5 in folders.items()) else None


def of_run(path: str, run: Run) -> bool:
    return f"/{run.method}/seed{run.seed}/" in f"{path}/"
