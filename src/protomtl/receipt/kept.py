"""A kept run, docs/runs/NAME, as data: `protomtl keep` wrote it, seed by seed."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from protomtl.analysis.predictions import side_by_side
from protomtl.analysis.settings import Margin
from protomtl.core.errors import first_line
from protomtl.core.files import read_record
from protomtl.core.paths import KEPT
from protomtl.core.runs import runs_of
from protomtl.core.sections import validate
from protomtl.core.settings import Joined, Method
from protomtl.core.written import COMPARED, TABLE, read_table
from protomtl.publishing.kept import COMPARISONS, RECORDS, TABLES
from protomtl.receipt.agreeing import check_figures, check_methods, check_predictions
from protomtl.steps.tables.build import build_tables
from protomtl.steps.tables.joined import Evaluated, join
from protomtl.tasks.settings import Task, main_tasks

PREDICTIONS = "predictions.parquet"  # of one seed, as RECORDS is
CHECKPOINTS, DIGESTS = "checkpoints.csv", "digests.csv"
KEY = ["split", "task", "id", "gold"]
MARGIN = 0.02  # of overall, where a kept run states none: above that of the tables, since one training moves by more


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
        shown = {str(row["method"]): str(row["label"]) for row in self.tables["dev"].to_dict("records")}
        trained = methods_of_rows(self.about, [*shown])
        return {name: shown[name] if name in shown else self.about["methods"][name]["label"] for name in trained}


def find(name: str) -> Path:
    """The folder of a kept run, named by itself or by its path. SystemExit with those that there are."""
    for folder in (KEPT / name, Path(name)):
        if (folder / "about.json").is_file():
            return folder
    there = ", ".join(sorted(path.parent.name for path in KEPT.glob("*/about.json"))) or "none"
    raise SystemExit(f"{name}: no kept run; in {KEPT} there are: {there}")


def read(folder: Path) -> Kept:
    """All that was kept of a run. SystemExit for a damaged one."""
    with as_kept(folder):
        about = read_record(folder / "about.json")
        validate(f"{folder}/about.json: margin", Margin, about.get("margin", MARGIN))
        tables = {split: read_table(folder / name, TABLE) for split, name in TABLES.items()}
        seeds = sorted(seeds_of(about["parts"]))
        folders = {seed: folder / f"seed{seed}" for seed in seeds}
        lost = [path for path in folders.values() if not (path / RECORDS).is_file()]
        if lost and len(lost) < len(folders):  # older runs have none of them
            raise ValueError(f"{lost[0].name}/{RECORDS} is not there")
        whole = all((path / PREDICTIONS).is_file() for path in folders.values())
        methods = methods_of_rows(about, tables["dev"]["method"].tolist())
        check_methods(methods, about)
        evaluated = read_evaluated(about, methods, folders) if whole and seeds else None
        places = [folder, *folders.values()]
        outputs = {row["path"]: row["md5"] for place in places for row in rows_of(place / CHECKPOINTS)}
        files = {row["path"]: row["sha256"] for place in places for row in rows_of(place / DIGESTS)}
    return Kept(folder, about, tables, seeds, evaluated, outputs, files)


@contextmanager
def as_kept(folder: Path) -> Iterator[None]:
    """Inside, what is amiss with the files of a kept run, as after a merge, is a SystemExit that names it."""
    try:
        yield
    except (OSError, KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # the disk's; of a damaged file pyarrow has none
            raise
        raise SystemExit(
            f"{folder}: damaged, not what `protomtl keep` writes: {first_line(error)}; restore it by git"
        ) from None


def seeds_of(parts: Sequence[Mapping[str, Any]]) -> list[int]:
    """Of some parts of a kept run. ValueError for one that is there twice, and would count twice, and for no number."""
    found = [seed for part in parts for seed in part["seeds"]]
    if odd := [seed for seed in found if type(seed) is not int or found.count(seed) > 1]:
        raise ValueError(f"seed {odd[0]!r} is there twice, or is no number")
    return found


def rows_of(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def rows(folder: Path) -> list[str]:
    """The rows of its tables: methods, and those that are joined of several."""
    return [str(row) for row in read_table(folder / TABLES["dev"], TABLE)["method"]]


def methods_of_rows(about: Mapping[str, Any], order: Sequence[str]) -> list[str]:
    """The methods that were trained for some rows, in their order."""
    return [method for row in order for method in about.get("joined", {}).get(row, {"parts": [row]})["parts"]]


def references(folder: Path) -> list[str]:
    """The methods that the others of a kept run are compared with."""
    with as_kept(folder):
        return list(dict.fromkeys(read_table(folder / COMPARISONS, COMPARED)["reference"]))


def tables(
    folder: Path,
    order: Sequence[str],
    references: Sequence[str],
    margin: float,
    tasks: Mapping[str, Task],
) -> dict[str, pd.DataFrame]:
    """The tables of a kept run made again of its predictions; order: of the rows. tasks: of params.yaml, for a run of
    an older version, which does not say its own. SystemExit where these are not its tasks."""
    with as_kept(folder):
        about = read_record(folder / "about.json")
        methods = methods_of_rows(about, order)
        check_methods(methods, about)
        evaluated = read_evaluated(
            about, methods, {seed: folder / f"seed{seed}" for seed in sorted(seeds_of(about["parts"]))}
        )
        joined = {n: validate(f"{folder}/about.json: {n}", Joined, row) for n, row in about.get("joined", {}).items()}
        blocks = {name: validate(f"{folder}/about.json: {name}", Method, about["methods"][name]) for name in methods}
        own = kept_tasks(about, tasks, folder, evaluated)
        beside = {"backbone": about["backbone"], "data": about["data"]}
    shown: dict[str, Method | Joined] = {**blocks, **joined}
    return build_tables(join(evaluated, joined, own), references, shown, own, beside, margin)


def kept_tasks(
    about: Mapping[str, Any], tasks: Mapping[str, Task], folder: Path, evaluated: Evaluated
) -> dict[str, Task]:
    """The main tasks of a kept run."""
    blocks = about.get("tasks")
    every = dict(tasks) if blocks is None else validate(f"{folder}/about.json: tasks", dict[str, Task], blocks)
    main, there = main_tasks(every), [*evaluated.predictions["dev"]]
    if sorted(main) != sorted(there):
        raise SystemExit(f"{folder}: a run of {', '.join(there)}, but params.yaml has {', '.join(main)}")
    return {name: main[name] for name in there}  # about.json has them by name, the predictions in their order


def read_evaluated(about: Mapping[str, Any], methods: Sequence[str], folders: Mapping[int, Path]) -> Evaluated:
    """The predictions and records of all seeds; folders: of each seed. ValueError where they do not agree."""
    if not folders:
        raise ValueError("no seeds")
    predicted = {seed: pd.read_parquet(folder / PREDICTIONS) for seed, folder in folders.items()}
    check_predictions({f"{folders[seed].name}/{PREDICTIONS}": f for seed, f in predicted.items()}, KEY, methods)
    kept = {seed: read_record(folder / RECORDS) for seed, folder in folders.items()}
    runs = runs_of(methods, folders)
    predictions: dict[str, dict[str, pd.DataFrame]] = {}
    for split, task in next(iter(predicted.values()))[KEY[:2]].drop_duplicates().itertuples(index=False):
        own = {
            seed: frame[(frame["split"] == split) & (frame["task"] == task)].set_index(KEY[2:])
            for seed, frame in predicted.items()
        }
        columns = {run: own[run.seed][run.method] for run in runs}
        predictions.setdefault(split, {})[task] = side_by_side(columns, runs)
    metrics = {run: kept[run.seed][run.method]["metrics"] for run in runs}
    records = {run: kept[run.seed][run.method] for run in runs}
    found = Evaluated(
        predictions,
        metrics,
        {run: record | {"finetune": {"epochs": record["epochs"]}} for run, record in records.items()},
    )
    if "tasks" in about:  # older runs do not say by which metrics their figures are
        main = main_tasks(validate("about.json: tasks", dict[str, Task], about["tasks"]))
        if main.keys() == {task for tables in predictions.values() for task in tables}:  # else `kept_tasks` says so
            check_figures(found, main)
    return found
