"""The files of a kept run, docs/runs/NAME: its tables and comparisons as rows."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from protomtl.analysis.verdicts import Compared, compared, split_that_decides
from protomtl.core.files import read_record
from protomtl.core.markdown import plain
from protomtl.core.paths import results
from protomtl.core.written import COMPARED, TABLE, read_table
from protomtl.steps.tables.build import DIGITS

TABLES = {"dev": "tables-table1.csv", "test": "tables-table2.csv"}
COMPARISONS = "tables-comparisons.csv"
RECORDS = "records.json"  # of one seed
BARS, DIFFERENCES = "table1.png", "differences.png"  # Table 1, and what stands against the first reference
# Of results, where the run has them; see `kept_as`.
ENSEMBLE, SPACE = results("ensemble") / "metrics.json", results("embed") / "space.json"
REPORTED = tuple(results("report") / name for name in ("robust.csv", "robust-failures.csv", "robust-primary.json"))

TASKS = {"sst": "sentiment", "para": "paraphrase", "sts": "similarity"}
FIGURES = (*TASKS, "overall")

Row = dict[str, Any]  # of a kept file
Table = dict[str, Row]  # method -> its row


def kept_as(result: Path) -> str:
    """What a file of results/STAGE is called in a kept run: STAGE-FILE."""
    return f"{result.parent.name}-{result.name}"


def read(run: Path, split: str) -> Table:
    """Table 1 (`dev`) or Table 2 (`test`) of a run: method -> its row. ValueError where records of a seed are lost."""
    rows = records(read_table(run / TABLES[split], TABLE))
    refuse_other_seeds(run, rows)
    full = means(run, split)
    return {row["method"]: row | full.get(row["method"], {}) | {"label": plain(row["label"])} for row in rows}


def refuse_other_seeds(run: Path, rows: list[Row]) -> None:
    """ValueError where the records are not of the seeds that the table names: their mean would be another figure.
    Older runs have no records."""
    named = {f"seed{seed}" for row in rows for seed in str(row.get("seeds", "")).split(", ") if seed}
    there = {path.parent.name for path in run.glob(f"seed*/{RECORDS}")}
    if named and there and (other := sorted(named ^ there)):
        raise ValueError(f"{run / other[0] / RECORDS}: not of the seeds in {TABLES['dev']}, or lost; restore it by git")


def means(run: Path, split: str) -> dict[str, dict[str, float]]:
    """Method -> those of its main figures that were recorded of all seeds, as their means, to the digits that the
    tables of a run have: those of older runs have four. Nothing of rows that are joined of several methods."""
    seeds = [read_record(path) for path in sorted(run.glob(f"seed*/{RECORDS}"))]
    own = {m: [seed[m]["metrics"].get(split, {}) for seed in seeds] for m in (seeds[0] if seeds else ())}
    return {
        method: {f: mean_of(found) for f in FIGURES if None not in (found := [figures.get(f) for figures in several])}
        for method, several in own.items()
    }


def mean_of(found: list[float]) -> float:
    """As a run's own table has it, so that both show the same where the mean is next to a half of the last digit."""
    return float(np.round(pd.Series(found).mean(), DIGITS))


def best_first(table: Table) -> Table:
    """By overall; equals keep their order."""
    return dict(sorted(table.items(), key=lambda item: falling(item[1]["overall"])))


def falling(figure: float) -> float:
    """By which the largest figure comes first, and last one that is not defined, as overall of some tasks alone."""
    return math.inf if math.isnan(figure) else -figure


def records(frame: pd.DataFrame) -> list[Row]:
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def chosen(table: Table, words: list[str]) -> list[str]:
    """The methods that a marker asks for: all, the first N, or those that it names."""
    if not words:
        return [*table]
    if words[0].isdigit():
        return [*table][: int(words[0])]
    if unknown := set(words) - set(table):
        raise ValueError(f"the run has no method {', '.join(sorted(unknown))}")
    return [method for method in table if method in words]


def comparisons(run: Path) -> pd.DataFrame:
    """All comparisons on test."""
    rows = read_table(run / COMPARISONS, COMPARED)
    return rows[rows["split"] == "test"]


def deciding(run: Path) -> dict[str, pd.DataFrame]:
    """Figure -> all comparisons on the split that decides."""
    whole = read_table(run / COMPARISONS, COMPARED)
    rows = whole[whole["split"] == split_that_decides(whole)]
    return {str(figure): own for figure, own in rows.groupby("figure", sort=False)}


def compared_on(known: Mapping[str, pd.DataFrame], figure: str, method: str, other: str) -> Compared | None:
    """One of `deciding`; None where the two were not compared."""
    return compared(known[figure], method, other) if figure in known else None


def against_first(run: Path) -> tuple[str, Table]:
    """The first reference of a run, and each method's comparison with it, overall."""
    rows = comparisons(run)
    reference = str(rows["reference"].iloc[0])
    mine = rows[(rows["reference"] == reference) & (rows["figure"] == "overall")]
    return reference, {row["method"]: row for row in records(mine)}
