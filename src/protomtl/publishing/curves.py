"""Tables of curves: how soon a training is at its end, and the area under a figure against the rows of a task."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from protomtl.analysis import curves
from protomtl.core.files import read_record
from protomtl.core.markdown import UNDEFINED, number
from protomtl.core.paths import results
from protomtl.core.runs import Run
from protomtl.core.written import CURVE, read_rows, read_table
from protomtl.publishing.kept import RECORDS, Row, against_first, chosen, falling, read
from protomtl.publishing.tables import Rows

CURVES = "curves.csv"  # of one seed of a kept run: method, updates of both phases, dev overall


def dev_curve(run: Run) -> list[dict[str, Any]]:
    """Of a run in results: dev overall behind each epoch of fine-tuning, against the updates of both phases so far."""
    phase1 = results("pretrain", *run) / "train.csv"
    before = len(read_rows(phase1)) if phase1.exists() else 0
    steps = int(read_record(results("finetune", *run) / "config.json")["steps"])
    points = read_rows(results("curves/dev", *run) / "curve.csv").to_dict("list")
    epochs = max(1, *points["epoch"])
    return [
        {"method": run.method, "updates": before + epoch * steps // epochs, "overall": overall}
        for epoch, overall in zip(points["epoch"], points["overall"], strict=True)
    ]


def soon(run: Path, words: list[str]) -> tuple[list[str], Rows]:
    """Updates of both phases until dev overall is at 95 % of an end: the run's own, and that of the first reference.

    The mean over seeds and their range; a training that never gets there has no number. The figure of a method that
    trains some tasks is that of these: they stand beside its name, and the end of other tasks is not its own.
    """
    reference, _ = against_first(run)
    kept, found = of_seeds(run), read(run, "dev")
    rows = []
    for method in chosen(found, words):
        some = some_tasks(found[method])
        ends = [spread([updates(seed, method, end) for seed in kept]) for end in (method, reference)]
        ends[1] = ends[1] if some == some_tasks(found[reference]) else "–"
        rows.append([found[method]["label"] + (f" (dev {', '.join(some)})" if some else ""), *ends])
    return ["method", "updates to 95 % of its own end", f"updates to 95 % of the end of `{reference}`"], rows


def of_seeds(run: Path) -> list[pd.DataFrame]:
    """The curves of each seed of a kept run. ValueError where those of one were not kept."""
    folders = sorted(run.glob("seed*/"))
    missing = [folder.name for folder in folders if not (folder / CURVES).exists()]
    if missing or not folders:
        raise ValueError(f"{run.name} has no {CURVES} of {', '.join(missing) or 'any seed'}; keep it again")
    return [read_table(folder / CURVES, CURVE) for folder in folders]


def curve(seed: pd.DataFrame, method: str) -> pd.DataFrame:
    """Of one method. ValueError without a point."""
    own = seed[seed["method"] == method]
    if own.empty:
        raise ValueError(f"{CURVES} has no {method}")
    return own


def some_tasks(row: Row) -> list[str]:
    """The tasks that a method of a kept table has trained; none of a method that has trained all, or of old tables."""
    names = [name.removesuffix("_paper") for name in row if name.endswith("_paper")]
    trained = [name for name in names if name != "overall" and np.isfinite(row[name])]
    return trained if len(trained) < len(names) - 1 else []


def updates(seed: pd.DataFrame, method: str, other: str) -> float:
    """Until `method` is at 95 % of the end of `other`, of the same seed; inf if never, NaN if that end is undefined."""
    own, end = curve(seed, method), curve(seed, other)["overall"].iloc[-1]
    return curves.steps_to(own["updates"].to_numpy(), own["overall"].to_numpy(), curves.SHARE * end)


def spread(values: list[float]) -> str:
    """`62 (55 to 70)`; `never` for what is not reached in some seed, `n/a` for an end that is not defined."""
    if np.isnan(values).any():
        return UNDEFINED
    if not np.isfinite(values).all():
        return "never" if len(values) == 1 else f"never in {np.isinf(values).sum()} of {len(values)} seeds"
    return f"{np.mean(values):.0f}" + (f" ({min(values):.0f} to {max(values):.0f})" if len(values) > 1 else "")


def area(run: Path, words: list[str]) -> tuple[list[str], Rows]:
    """Overall on test at each number of rows, and the area, of the methods that all of the runs have; best first.

    No number where it is not defined, as of a method that trains some tasks alone.
    """
    runs = sorted((run, *(run.parent / word for word in words)), key=rows_of)
    sizes = [rows_of(path) for path in runs]
    tables, seeds = [read(path, "test") for path in runs], [seeds_of(path) for path in runs]
    if len({frozenset(part) for part in seeds}) > 1:
        raise ValueError("the runs have not the same seeds")
    rows = []
    for method in [m for m in tables[0] if all(m in table for table in tables)]:
        figures = [[part[seed][method]["metrics"]["test"] for seed in sorted(seeds[0])] for part in seeds]
        values = np.array([[own.get("overall") for own in several] for several in figures], float)  # None is NaN
        found = curves.area(sizes, values)
        deviation = f" ± {number(found.std(ddof=1))}" if len(found) > 1 else ""
        cells = [number(height) for height in values.mean(1)]
        rows.append((found.mean(), [tables[0][method]["label"], *cells, f"{number(found.mean())}{deviation}"]))
    best = sorted(rows, key=lambda row: falling(row[0]))
    return ["method", *(f"{n:,} rows" for n in sizes), "area"], [row for _, row in best]


def rows_of(run: Path) -> int:
    """Of each task, `data.max_train_rows` or `data.worsened.rows` of a kept run. ValueError for one of all rows."""
    about = read_record(run / "about.json")
    rows = int(about["rows"] or about.get("worsened", {}).get("rows", 0))
    if rows == 0:
        raise ValueError(f"{run.name} is a run of all rows")
    return rows


def seeds_of(run: Path) -> dict[str, dict[str, dict[str, dict[str, dict[str, float]]]]]:
    """Seed -> method -> its record."""
    return {path.parent.name: read_record(path) for path in run.glob(f"seed*/{RECORDS}")}


KINDS = {"soon": soon, "area": area}
