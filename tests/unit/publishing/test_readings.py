"""The table of readings: of kept tables that are written here."""

import math
from pathlib import Path

import pandas as pd
import pytest

from protomtl.publishing import readings


def write_run(folder: Path, moved: float, methods: tuple[str, ...] = ("plain", "phased")) -> Path:
    """The second method has a first phase. Each figure is `moved` above a round one."""
    heads, prototypes = {"sst": 0.5, "para": 0.7, "sts": 0.9}, {"sst": 0.4, "para": 0.6, "sts": 0.8}
    row = heads | {f"{task}_readout": value for task, value in prototypes.items()} | {"sst_nearest": 0.2}
    first = {"sst_first": 0.3, "para_first": 0.5, "sts_first": 0.7, "sst_first_nearest": 0.1}
    rows = [row | dict.fromkeys(first, math.nan), row | first]
    table = pd.DataFrame(rows) + moved
    table.insert(0, "label", [name.title() for name in methods])
    table.insert(0, "method", methods)
    folder.mkdir()
    table.to_csv(folder / "tables-table2.csv", index=False)
    return folder


def test_readings_of_two_splits_by_hand(tmp_path: Path) -> None:
    """Overall is the mean of the tasks; a method without a first phase has no figure after one."""
    run, _ = write_run(tmp_path / "one", 0.0), write_run(tmp_path / "two", 0.02)
    head, rows = readings.readings(run, ["two"])
    assert head[1:4] == ["overall: heads", "overall: prototypes", "overall: prototypes after phase 1"]
    assert head[4:] == [
        *("sst: heads", "sst: prototypes", "sst: prototypes after phase 1"),
        *("sst: nearest", "sst: nearest after phase 1"),
    ]
    assert rows == [
        ["Plain", "0.710", "0.610", "", "0.510", "0.410", "", "0.210", ""],
        ["Phased", "0.710", "0.610", "0.510", "0.510", "0.410", "0.310", "0.210", "0.110"],
    ]


def test_runs_of_other_methods_are_not_averaged(tmp_path: Path) -> None:
    run, _ = write_run(tmp_path / "one", 0.0), write_run(tmp_path / "two", 0.0, ("plain", "other"))
    with pytest.raises(ValueError, match="the runs have not the same methods"):
        readings.readings(run, ["two"])
