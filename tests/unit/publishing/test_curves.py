"""Tables of curves: of kept runs that are written here."""

import json
from pathlib import Path

import pandas as pd
import pytest

from protomtl.core.runs import Run
from protomtl.publishing import curves


def write_run(folder: Path, rows: int, overall: dict[str, list[float]]) -> Path:
    """A run of some seeds: the overall of each method on test, a number a seed."""
    for seed in range(len(next(iter(overall.values())))):
        (folder / f"seed{seed + 1}").mkdir(parents=True)
        records = {name: {"metrics": {"test": {"overall": values[seed]}}} for name, values in overall.items()}
        (folder / f"seed{seed + 1}/records.json").write_text(json.dumps(records))
    drawn = {"rows": 0, "worsened": {"rows": rows}} if rows == 64 else {"rows": rows}  # either key says how many
    (folder / "about.json").write_text(json.dumps(drawn))
    means = {"method": [*overall], "label": [name.title() for name in overall]}
    for table in ("table1", "table2"):
        pd.DataFrame(means).to_csv(folder / f"tables-{table}.csv", index=False)
    return folder


def test_the_area_of_three_runs_by_hand(tmp_path: Path) -> None:
    """Sizes 16, 64 and 256 weigh 1/4, 1/2, 1/4; a method that one run does not have is left out; the best is first."""
    write_run(tmp_path / "large", 256, {"one": [0.8, 0.8], "two": [0.8, 0.8]})
    run = write_run(tmp_path / "small", 16, {"one": [0.2, 0.4], "two": [0.4, 0.4], "three": [0.9, 0.9]})
    write_run(tmp_path / "middle", 64, {"one": [0.5, 0.6], "two": [0.7, 0.7]})
    head, rows = curves.area(run, ["large", "middle"])
    assert head == ["method", "16 rows", "64 rows", "256 rows", "area"]
    assert rows == [
        ["Two", "0.400", "0.700", "0.800", "0.650 ± 0.000"],
        ["One", "0.300", "0.550", "0.800", "0.550 ± 0.071"],  # 0.5 and 0.6
    ]


def test_an_area_has_the_same_seeds_in_each_size_and_no_number_where_a_figure_is_not_defined(tmp_path: Path) -> None:
    run = write_run(tmp_path / "small", 16, {"one": [0.2, float("nan")], "two": [0.1, 0.1]})
    write_run(tmp_path / "large", 256, {"one": [0.8, 0.8], "two": [0.3, 0.3]})
    assert curves.area(run, ["large"])[1] == [
        ["Two", "0.100", "0.300", "0.200 ± 0.000"],
        ["One", "n/a", "0.800", "n/a ± n/a"],
    ]
    write_run(tmp_path / "fewer", 64, {"one": [0.5], "two": [0.5]})
    with pytest.raises(ValueError, match="the runs have not the same seeds"):
        curves.area(run, ["fewer", "large"])


def test_a_method_of_one_task_has_no_area_under_overall(tmp_path: Path) -> None:
    """Its records have no overall; whoever has one stands before it."""
    runs = [write_run(tmp_path / name, rows, {"one": [0.9], "two": [0.4]}) for name, rows in (("s", 16), ("l", 256))]
    for run in runs:
        records = json.loads((run / "seed1/records.json").read_text())
        records["one"]["metrics"]["test"] = {"sst": 0.9}
        (run / "seed1/records.json").write_text(json.dumps(records))
    assert curves.area(runs[0], ["l"])[1] == [["Two", "0.400", "0.400", "0.400"], ["One", "n/a", "n/a", "n/a"]]


def test_a_run_of_all_rows_has_no_place_on_the_axis(tmp_path: Path) -> None:
    run = write_run(tmp_path / "whole", 0, {"one": [0.8]})
    with pytest.raises(ValueError, match="whole is a run of all rows"):
        curves.area(run, ["whole"])


def test_the_updates_to_an_end_by_hand(tmp_path: Path) -> None:
    """The reference ends at 0.8, of which 95 % is 0.76; the other one begins behind 60 updates and never gets there."""
    run = write_run(tmp_path / "own", 0, {"plain": [0.8], "first": [0.7]})
    row = {"split": "test", "method": "first", "reference": "plain", "figure": "overall"}
    pd.DataFrame([row]).to_csv(run / "tables-comparisons.csv")
    points = [("plain", 10, 0.56), ("plain", 20, 0.76), ("plain", 30, 0.8), ("first", 70, 0.565), ("first", 80, 0.7)]
    pd.DataFrame(points, columns=["method", "updates", "overall"]).to_csv(run / "seed1/curves.csv")
    assert curves.soon(run, [])[1] == [
        ["Plain", "20", "20"],
        ["First", "77", "never"],
    ]  # 70 + 10 × (0.665 - 0.565) / 0.135
    assert curves.spread([10, float("nan")]) == "n/a"
    assert curves.spread([10, 30]) == "20 (10 to 30)" and curves.spread([10, float("inf")]) == "never in 1 of 2 seeds"
    (run / "seed1/curves.csv").unlink()
    with pytest.raises(ValueError, match=r"own has no curves\.csv of seed1; keep it again"):
        curves.soon(run, [])


def test_a_method_of_one_task_says_which_and_is_not_held_to_the_end_of_others(tmp_path: Path) -> None:
    run = write_run(tmp_path / "own", 0, {"plain": [0.8], "only_sts": [0.9]})
    rows = {"method": ["plain", "only_sts"], "label": ["Plain", "One"], "overall": [0.8, None], "overall_paper": None}
    for task, own in {"sst": [0.7, None], "sts": [0.9, 0.9]}.items():
        rows |= {task: own, f"{task}_paper": None}
    pd.DataFrame(rows).to_csv(run / "tables-table1.csv", index=False)
    row = {"split": "test", "method": "only_sts", "reference": "plain", "figure": "overall"}
    pd.DataFrame([row]).to_csv(run / "tables-comparisons.csv")
    points = [("plain", 10, 0.8), ("only_sts", 10, 0.9)]
    pd.DataFrame(points, columns=["method", "updates", "overall"]).to_csv(run / "seed1/curves.csv")
    assert curves.soon(run, [])[1] == [["Plain", "10", "10"], ["One (dev sts)", "10", "–"]]


def test_updates_of_both_phases_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = Run("first", 1)
    for stage in ("pretrain", "finetune", "curves/dev"):
        Path(f"results/{stage}/first/seed1").mkdir(parents=True)
    pd.DataFrame({"step": range(1, 61)}).to_csv("results/pretrain/first/seed1/train.csv")
    Path("results/finetune/first/seed1/config.json").write_text('{"steps": 90}')
    pd.DataFrame({"epoch": [1, 2, 3], "overall": [0.5, 0.6, 0.7]}).to_csv("results/curves/dev/first/seed1/curve.csv")
    assert [point["updates"] for point in curves.dev_curve(run)] == [90, 120, 150]
    Path("results/pretrain/first/seed1/train.csv").unlink()
    assert curves.dev_curve(run)[0] == {"method": "first", "updates": 30, "overall": 0.5}
    for epoch, updates in ((1, 90), (0, 0)):  # one epoch has them all; heads that were fitted at once have none
        pd.DataFrame({"epoch": [epoch], "overall": [0.5]}).to_csv("results/curves/dev/first/seed1/curve.csv")
        assert [point["updates"] for point in curves.dev_curve(run)] == [updates]
