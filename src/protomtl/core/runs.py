"""The runs that there are, one for each method and seed: step `collect` writes the list, later steps read it."""

import csv
from collections.abc import Iterable, Sequence
from itertools import product
from pathlib import Path
from typing import NamedTuple

from protomtl.core.paths import RUNS, results


class Run(NamedTuple):
    method: str
    seed: int


def runs_of(methods: Iterable[str], seeds: Iterable[int]) -> list[Run]:
    """Each method with each seed, in this order."""
    return [Run(*pair) for pair in product(methods, seeds)]


def read_runs() -> list[Run]:
    """In the order of `methods`, and of `seeds` within. SystemExit without the list, and for a damaged one."""
    if not RUNS.is_file():
        raise SystemExit(f"{RUNS}: not there; `python -m protomtl collect` writes it")
    if not (found := listed_runs(RUNS)):
        raise SystemExit(f"{RUNS}: damaged, no runs; `python -m protomtl collect` writes it anew")
    return found


def listed_runs(path: Path) -> list[Run]:
    """Those of the columns `method` and `seed` of a CSV file; none of a damaged one."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return [Run(row["method"], int(row["seed"])) for row in csv.DictReader(file)]
    except (ValueError, KeyError, TypeError, csv.Error):
        return []


def predictions_file(run: Run, split: str, task: str) -> Path:
    """What step `evaluate` wrote of a split of a task; it is not there where the run has not trained the task."""
    return results("evaluate", *run) / split / f"{task}.csv"


def methods_of(runs: Sequence[Run]) -> list[str]:
    """Each method once, in order."""
    return list(dict.fromkeys(run.method for run in runs))


def seeds_of(runs: Sequence[Run]) -> list[int]:
    """Each seed once, in order."""
    return list(dict.fromkeys(run.seed for run in runs))
