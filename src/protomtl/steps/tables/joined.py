"""Rows that are put together: each task's predictions are those of the method that trained it."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd

from protomtl.analysis.predictions import Predictions
from protomtl.core.runs import Run, methods_of, seeds_of
from protomtl.core.sections import PARAMS
from protomtl.core.settings import Joined
from protomtl.metrics import overall
from protomtl.tasks.settings import Task


class Evaluated(NamedTuple):
    """What is known of the runs."""

    predictions: Mapping[str, Predictions]  # of each split; NaN where a run has not trained the task
    metrics: Mapping[Run, Mapping[str, Mapping[str, float]]]  # split -> figure -> value
    records: Mapping[Run, Mapping[str, Any]]  # epochs, steps and best_epoch, at least


def join(evaluated: Evaluated, rows: Mapping[str, Joined], tasks: Mapping[str, Task]) -> Evaluated:
    """The same with each of `rows` whose parts are all run, in the place of these parts.

    It is resampled as every other method is, since predictions are joined, and not figures. SystemExit where the
    parts do not have each task once.
    """
    for name, row in rows.items():
        if set(row.parts) <= set(methods_of([*evaluated.metrics])):
            evaluated = with_row(evaluated, name, row.parts, tasks)
    return evaluated


def with_row(evaluated: Evaluated, name: str, parts: list[str], tasks: Mapping[str, Task]) -> Evaluated:
    """`join` of one row."""
    methods, seeds = methods_of([*evaluated.metrics]), seeds_of([*evaluated.metrics])
    owner = {task: owner_of(task, evaluated.predictions["dev"][task], name, parts) for task in tasks}
    methods.insert(min(map(methods.index, parts)), name)
    order = [Run(method, seed) for method in methods if method not in parts for seed in seeds]
    predictions = {
        split: {
            task: pd.DataFrame({r: table[(owner[task] if r.method == name else r.method, r.seed)] for r in order})
            for task, table in found.items()
        }
        for split, found in evaluated.predictions.items()
    }
    metrics, records = {**evaluated.metrics}, {**evaluated.records}
    for seed in seeds:
        of_parts = [Run(part, seed) for part in parts]
        metrics[Run(name, seed)] = figures([evaluated.metrics[run] for run in of_parts], tasks)
        records[Run(name, seed)] = record([evaluated.records[run] for run in of_parts])
    return Evaluated(predictions, {run: metrics[run] for run in order}, {run: records[run] for run in order})


def owner_of(task: str, table: pd.DataFrame, name: str, parts: list[str]) -> str:
    """The one part that has trained a task; table: the predictions of all runs."""
    owners = [part for part in parts if table[part].notna().to_numpy().all()]
    if len(owners) != 1:
        who = " and ".join(owners) if owners else "none of its parts"
        raise SystemExit(f"{PARAMS}: joined.{name}.parts: {task} is trained by {who}; one of them must train it")
    return owners[0]


def figures(parts: list[Mapping[str, Mapping[str, float]]], tasks: Mapping[str, Task]) -> dict[str, dict[str, float]]:
    """Split -> figure -> value, with overall where each task has a figure."""
    found: dict[str, dict[str, float]] = {}
    for split in parts[0]:
        own = {figure: value for part in parts for figure, value in part[split].items()}
        if set(tasks) <= set(own):
            known = {task: math.nan if own[task] is None else own[task] for task in tasks}  # null: not defined
            own["overall"] = round(overall(tasks, known), 6)
            own["overall_rescaled"] = round(overall(tasks, known, rescaled=True), 6)
        found[split] = own
    return found


def record(parts: list[Mapping[str, Any]]) -> dict[str, Any]:
    """Budget and best epochs of all parts: steps are added up."""
    return {
        "finetune": {"epochs": parts[0]["finetune"]["epochs"]},
        "steps": sum(part["steps"] for part in parts),
        "best_epoch": "/".join(str(part["best_epoch"]) for part in parts),
    }
