"""A kept run, docs/runs/NAME, as data: `protomtl keep` wrote it, seed by seed."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import pandas as pd
from pydantic import Field

from protomtl.analysis.predictions import side_by_side
from protomtl.core.files import read_json
from protomtl.core.paths import KEPT
from protomtl.core.runs import Run
from protomtl.steps.tables.build import Evaluated

PREDICTIONS, RECORDS = "predictions.parquet", "records.json"  # of one seed
CHECKPOINTS, DIGESTS = "checkpoints.csv", "digests.csv"
KEY = ["split", "task", "id", "gold"]
TABLES = {"dev": "tables-table1.csv", "test": "tables-table2.csv"}
MARGIN = 0.02  # of overall; a kept run states its own. Below it no difference of the README is called shown
Margin = Annotated[float, Field(gt=0, lt=1)]


class Kept(NamedTuple):
    """tables: of each split, a row a method; the others are empty where they were not kept."""

    folder: Path
    about: Mapping[str, Any]
    tables: Mapping[str, pd.DataFrame]
    seeds: Sequence[int]
    evaluated: Evaluated | None  # predictions and metrics of each run
    folders: Mapping[str, str]  # path of an output -> DVC's MD5 of all of it
    digests: Mapping[str, str]  # path of a file -> SHA-256

    @property
    def labels(self) -> dict[str, str]:
        """Of each method, in order."""
        return {str(row["method"]): str(row["label"]) for row in self.tables["dev"].to_dict("records")}


def find(name: str) -> Path:
    """The folder of a kept run, named by itself or by its path. SystemExit with those that there are."""
    for folder in (KEPT / name, Path(name)):
        if (folder / "about.json").is_file():
            return folder
    there = ", ".join(sorted(path.parent.name for path in KEPT.glob("*/about.json"))) or "none"
    raise SystemExit(f"{name}: no kept run; in {KEPT} there are: {there}")


def read(folder: Path) -> Kept:
    """All that was kept of a run. SystemExit for a damaged one."""
    try:
        about = read_json(folder / "about.json")
        tables = {split: pd.read_csv(folder / name) for split, name in TABLES.items()}
        seeds = sorted(seed for part in about["parts"] for seed in part["seeds"])
        folders = {seed: folder / f"seed{seed}" for seed in seeds}
        whole = all((path / PREDICTIONS).is_file() for path in folders.values())
        evaluated = read_evaluated(tables["dev"]["method"].tolist(), folders) if whole and seeds else None
        places = [folder, *folders.values()]
        outputs = {row["path"]: row["md5"] for place in places for row in rows_of(place / CHECKPOINTS)}
        files = {row["path"]: row["sha256"] for place in places for row in rows_of(place / DIGESTS)}
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise SystemExit(f"{folder}: damaged, not what `protomtl keep` writes: {error!r}; restore it by git") from None
    return Kept(folder, about, tables, seeds, evaluated, outputs, files)


def rows_of(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read_evaluated(methods: Sequence[str], folders: Mapping[int, Path]) -> Evaluated:
    """The predictions and records of all seeds; folders: of each seed."""
    predicted = {seed: pd.read_parquet(folder / PREDICTIONS).set_index(KEY) for seed, folder in folders.items()}
    kept = {seed: read_json(folder / RECORDS) for seed, folder in folders.items()}
    runs = [Run(method, seed) for method in methods for seed in folders]
    names = next(iter(predicted.values())).index.to_frame(index=False)[KEY[:2]].drop_duplicates()
    predictions: dict[str, dict[str, pd.DataFrame]] = {}
    for split, task in names.itertuples(index=False):
        of_task = {seed: table.xs((split, task), level=KEY[:2]) for seed, table in predicted.items()}
        columns = {run: of_task[run.seed][run.method] for run in runs}
        predictions.setdefault(split, {})[task] = side_by_side(columns)
    metrics = {run: kept[run.seed][run.method]["metrics"] for run in runs}
    records = {run: kept[run.seed][run.method] for run in runs}
    return Evaluated(
        predictions,
        metrics,
        {run: record | {"finetune": {"epochs": record["epochs"]}} for run, record in records.items()},
    )
