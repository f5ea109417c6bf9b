"""Tables of kept runs that are written here."""

import json
from pathlib import Path

import pandas as pd
import pytest

from protomtl.publishing import tables


def test_the_best_is_first_and_a_method_of_one_task_is_last_and_has_no_overall(tmp_path: Path) -> None:
    """In the order of the run it stands between the others."""
    rows = pd.DataFrame({"method": ["fair", "only_sst", "best"], "label": ["Fair", "One", "Best"]})
    rows = rows.assign(**{task: [0.5, 0.9, 0.7] for task in tables.TASKS}, overall=[0.5, None, 0.7])
    rows = rows.assign(overall_sd=None, overall_low=[0.4, None, 0.6], overall_high=[0.6, None, 0.8])
    for name in ("table1", "table2"):
        rows.to_csv(tmp_path / f"tables-{name}.csv", index=False)
    compared = {"split": "test", "method": "best", "reference": "fair", "figure": "overall"}
    pd.DataFrame([compared | {"difference": 0.2, "p_holm": 0.01}]).to_csv(tmp_path / "tables-comparisons.csv")
    found = tables.test(tmp_path, [])[1]
    assert [[row[0], *row[-2:]] for row in found] == [
        ["Best", "0.700 (0.600 to 0.800)", "+0.200 (0.010)"],
        ["Fair", "0.500 (0.400 to 0.600)", ""],
        ["One", "", ""],
    ]


def test_a_run_of_one_seed_has_one_value_of_a_figure_in_all_tables(tmp_path: Path) -> None:
    """0.771524 is 0.772, also where a table of an older run has 0.7715. An undefined figure is an empty cell."""
    metrics = {split: {"sst": 0.771524, "para": None, "sts": 0.5, "overall": 0.771524} for split in ("dev", "test")}
    rows = pd.DataFrame({"method": ["own"], "label": ["Own"], "sst": [0.7715], "para": [None], "sts": [0.5]})
    rows = rows.assign(overall=[0.7715], overall_sd=[None], overall_paper=[None])
    for name in ("table1", "table2"):
        rows.to_csv(tmp_path / f"tables-{name}.csv", index=False)
    (tmp_path / "seed1").mkdir()
    (tmp_path / "seed1/records.json").write_text(json.dumps({"own": {"metrics": metrics, "best_epoch": 3}}))
    (row,) = tables.tasks(tmp_path, [])[1]
    assert row == ["Own", "0.772", "", "0.500", "0.772"]
    assert tables.seed(tmp_path, ["1"])[1] == [["Own", *row[1:], *row[1:], "3"]]


def test_a_mean_over_seeds_is_rounded_once_and_a_joined_row_has_the_figures_of_the_table(tmp_path: Path) -> None:
    """Of 0.771522 and 0.771526 it is 0.772. What was not trained has no figure."""
    rows = pd.DataFrame({"method": ["own", "joined"], "label": ["Own", "Joined"], "sst": [0.7715, 0.25]})
    rows = rows.assign(para=[None, 0.25], sts=[None, 0.25], overall=[None, 0.25], overall_sd=None)
    for name in ("table1", "table2"):
        rows.to_csv(tmp_path / f"tables-{name}.csv", index=False)
    for seed, figure in ((1, 0.771522), (2, 0.771526)):
        (tmp_path / f"seed{seed}").mkdir()
        record = {"own": {"metrics": {split: {"sst": figure} for split in ("dev", "test")}}}
        (tmp_path / f"seed{seed}/records.json").write_text(json.dumps(record))
    found = {row[0]: row[1:] for row in tables.tasks(tmp_path, [])[1]}
    assert found == {"Own": ["0.772", "", "", ""], "Joined": ["0.250"] * 4}


def test_next_to_a_half_a_mean_is_rounded_as_in_the_table_of_its_run(tmp_path: Path) -> None:
    """Of 0.837500, 0.837500 and 0.837499 the run's own table has 0.837500 and so 0.838; the mean is below it."""
    table = pd.DataFrame({"method": ["own"], "label": ["Own"], "sst": [0.8375], "overall_sd": [None]})
    table = table.assign(para=[None], sts=[None], overall=[None])
    for name in ("table1", "table2"):
        table.to_csv(tmp_path / f"tables-{name}.csv", index=False)
    for seed, figure in ((1, 0.8375), (2, 0.8375), (3, 0.837499)):
        (tmp_path / f"seed{seed}").mkdir()
        record = {"own": {"metrics": {split: {"sst": figure} for split in ("dev", "test")}}}
        (tmp_path / f"seed{seed}/records.json").write_text(json.dumps(record))
    (row,) = tables.tasks(tmp_path, [])[1]
    assert row == ["Own", "0.838", "", "", ""]


@pytest.mark.parametrize("there", [[1], [1, 2, 3]])
def test_records_of_other_seeds_than_the_table_names_are_refused(there: list[int], tmp_path: Path) -> None:
    """The mean of those that are there would be shown as that of all."""
    rows = pd.DataFrame({"method": ["own"], "label": ["Own"], "seeds": ["1, 2"]})
    for name in ("table1", "table2"):
        rows.to_csv(tmp_path / f"tables-{name}.csv", index=False)
    for seed in there:
        (tmp_path / f"seed{seed}").mkdir()
        record = {"own": {"metrics": {split: {"sst": 0.5} for split in ("dev", "test")}}}
        (tmp_path / f"seed{seed}/records.json").write_text(json.dumps(record))
    with pytest.raises(ValueError, match=r"seed[23].records\.json: not of the seeds in tables-table1\.csv, or lost"):
        tables.tasks(tmp_path, [])
