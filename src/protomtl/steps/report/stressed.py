"""What predictions under stress are worth: losses against each run's own clean figure. failing.py has the tests."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from protomtl.analysis import bootstrap
from protomtl.analysis.comparisons import SEED, draw_seeds, resampled_task
from protomtl.core.paths import results
from protomtl.core.runs import Run, methods_of
from protomtl.core.written import read_rows
from protomtl.metrics import main_figure
from protomtl.seeds import generator
from protomtl.tasks.settings import Task, counted

CLEAN = "clean"
KEY = ["split", "id"]

Tables = dict[str, dict[Run, pd.DataFrame]]  # task -> run -> the cases with its predictions, see steps/stress.py
Several = Mapping[Run, pd.DataFrame]  # of one task
Drawn = dict[tuple[str, str], np.ndarray]  # (stress, task) -> [resamples, runs]
Rows = list[dict[str, Any]]  # of a table


def read(runs: Sequence[Run], tasks: Mapping[str, Task]) -> Tables:
    """What step `stress` wrote, of the rows that are judged. SystemExit where two runs were asked other rows."""
    found: Tables = {}
    for name in tasks:
        for run in runs:
            path = results("stress", *run) / f"{name}.csv"
            if path.exists():
                table = read_rows(path, dtype={"id": str}, keep_default_na=False)
                found.setdefault(name, {})[run] = judged(table)
        several = [*found.get(name, {}).items()]
        for run, table in several[1:]:
            if not table[["stress", *KEY]].equals(several[0][1][["stress", *KEY]]):
                path, other = (results("stress", *each) for each in (run, several[0][0]))
                raise SystemExit(f"{path}: not the rows of {other}; run both again")
    return found


def judged(table: pd.DataFrame) -> pd.DataFrame:
    """Without dev where there are rows of test: dev chose the epochs, and a figure of both would be neither's."""
    of_test = (table["split"] == "test").any()
    return table[table["split"] != "dev"].reset_index(drop=True) if of_test else table


def stresses(table: pd.DataFrame, tests: bool) -> list[str]:
    """Those that have the task's own figure, or those that are passed or failed, in order."""
    figures = table["kind"].isin(["noise", "shift"]) & (table["expected"] == "label")
    return [*dict.fromkeys(table.loc[~figures & (table["kind"] != CLEAN) if tests else figures, "stress"])]


def answers(several: Several, stress: str, column: str = "prediction") -> tuple[pd.DataFrame, np.ndarray]:
    """The cases of a stress, and the predictions, or another column, [n, runs]."""
    first = next(iter(several.values()))
    here = (first["stress"] == stress).to_numpy()
    return first[here], np.stack([table[column].to_numpy(float)[here] for table in several.values()], axis=1)


def clean_of(several: Several, cases: pd.DataFrame, column: str = "prediction") -> np.ndarray:
    """[n, runs] a column of the clean row of each case."""
    keys = pd.MultiIndex.from_frame(cases[KEY])
    plain = [table[table["stress"] == CLEAN].set_index(KEY)[column] for table in several.values()]
    return np.stack([rows.loc[keys].to_numpy(float) for rows in plain], axis=1)


def losses(tables: Tables, tasks: Mapping[str, Task]) -> tuple[pd.DataFrame, Drawn]:
    """A row for each task, stress (noise and shift) and method: the figure, the clean one, the loss and its interval.

    A loss is above 0 where the figure is worse: less of it, or where less is better more of it.
    The clean figure is that of the same rows; of rows from elsewhere, that of all clean rows. `overall` is the mean
    over the tasks that count, where a stress is of all of them. Seeds and rows are resampled.
    """
    rows: Rows = []
    drawn: Drawn = {}
    for name, several in tables.items():
        first = next(iter(several.values()))
        for stress in stresses(first, tests=False):
            cases, predicted = answers(several, stress)
            about = {"task": name, "kind": cases["kind"].iloc[0], "stress": stress, "rows": len(cases)}
            paired = about["kind"] == "noise"
            plain, clean = (cases, clean_of(several, cases)) if paired else answers(several, CLEAN)
            under, before = figure(tasks[name], cases, predicted), figure(tasks[name], plain, clean)
            again = resampled(tasks[name], cases, predicted, name, stress)
            sign = tasks[name].figure.sign
            drawn[stress, name] = sign * (
                resampled(tasks[name], plain, clean, name, stress if paired else CLEAN) - again
            )
            rows += by_method([*several], about, under, before, drawn[stress, name], sign)
    return pd.DataFrame(rows + overall(rows, drawn, tasks, tables)), drawn


def figure(task: Task, cases: pd.DataFrame, predicted: np.ndarray) -> np.ndarray:
    """[runs] the main figure of a task; NaN where it says nothing."""
    gold = cases["label"].to_numpy(float)
    return np.array([main_figure(task, gold, column) for column in predicted.T])


def resampled(task: Task, cases: pd.DataFrame, predicted: np.ndarray, *purpose: str) -> np.ndarray:
    """[resamples, runs] the main figure; equal purposes draw the same rows."""
    return resampled_task(task, cases["label"].to_numpy(float), predicted, generator(SEED, "stress", *purpose))


def by_method(
    runs: Sequence[Run], about: dict[str, Any], under: np.ndarray, clean: np.ndarray, drawn: np.ndarray, sign: int = 1
) -> Rows:
    """A row for each method: means over its seeds. under, clean: [runs] figures, with their sign; drawn: [resamples,
    runs] losses."""
    found = []
    for method in methods_of(runs):
        own = np.array([run.method == method for run in runs])
        value, before = float(np.mean(under[own])), float(np.mean(clean[own]))
        low, high = interval(drawn[:, own]) if np.isfinite(value) else (np.nan, np.nan)
        loss = sign * (before - value)
        known = {"figure": value, "clean": before, "loss": loss, "low": low, "high": high}
        found.append({"method": method} | about | known | {"relative": loss / before if before > 0 else np.nan})
    return found


def interval(drawn: np.ndarray) -> np.ndarray:
    """[2] of [resamples, seeds]."""
    return bootstrap.interval(over_seeds(drawn))


def over_seeds(drawn: np.ndarray) -> np.ndarray:
    """[resamples] means of [resamples, seeds] over seeds drawn anew each time, the same for all methods."""
    counts = draw_seeds(drawn.shape[1])
    return np.asarray((drawn * counts).sum(1) / counts.sum(1))


def overall(rows: Rows, drawn: Drawn, tasks: Mapping[str, Task], tables: Tables) -> Rows:
    """The rows of `overall`, of each stress that all tasks have which count; fills `drawn` with them."""
    names, runs = counted(tasks), whole_runs(tables, tasks)
    found: Rows = []
    columns = {name: [[*tables[name]].index(run) for run in runs] for name in names}
    for stress in dict.fromkeys(row["stress"] for row in rows if len(names) > 1 and runs):
        here = [row for row in rows if row["stress"] == stress and row["task"] in names]
        sizes = {row["task"]: row["rows"] for row in here}
        if {*sizes} != {*names}:
            continue
        drawn[stress, "overall"] = np.mean([drawn[stress, name][:, columns[name]] for name in names], axis=0)
        about = {"task": "overall", "kind": here[0]["kind"], "stress": stress, "rows": sum(sizes.values())}
        means = pd.DataFrame(here).groupby("method")[["figure", "clean"]].sum(min_count=len(names)) / len(names)
        under, clean = means.loc[[run.method for run in runs]].to_numpy().T
        found += by_method(runs, about, under, clean, drawn[stress, "overall"])
    return found


def whole_runs(tables: Tables, tasks: Mapping[str, Task]) -> list[Run]:
    """The runs that have all tasks which count."""
    names = counted(tasks)
    return [run for run in tables.get(names[0], {}) if all(run in tables.get(n, {}) for n in names)] if names else []
