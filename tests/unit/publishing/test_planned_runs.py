"""A kept run that is not of its plan ends the table: its number would look like an answer."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from protomtl.publishing import markers
from tests.unit.publishing.written import ask, write_run

OTHER = {name: {"pretrain": {"batch_size": 64}, "finetune": {"lr": 0.1}} for name in "abc"}


@pytest.mark.parametrize(
    ("about", "message"),
    [
        ({"data": "e"}, "two: data e, but the plan has d"),
        ({"rows": 64}, "two: 64 rows of a task, but the plan has all"),
        ({"worsened": {"rows": 64, "seed": 2}}, "two: 64 rows of a task, but the plan has all"),
        ({"worsened": {"wrong_labels": 0.2}}, "two: `worsened` has wrong labels or rare classes"),
        ({"worsened": {"imbalance": 10}}, "two: `worsened` has wrong labels or rare classes"),
        ({"seeds": 4}, "two: 4 seeds, but the plan has 5"),
        ({"methods": {"a": {}}}, "two: has no b"),
        ({"methods": OTHER}, "two: another `a` than the first run of the plan"),
        ({"pretrain": {"epochs": 3}}, "two: other `pretrain` than the first run of the plan"),
        ({"finetune": {"epochs": 3}}, "two: finetune.epochs 3, but preset quick has 18"),
        ({"methods": OTHER | {"a": {"pretrain": False}}}, "two: method.a.finetune.lr None, but preset quick has 0.1"),
        ({"split_seed": None}, "kept: two splits have the same `split_seed`"),
    ],
)
def test_a_run_that_is_not_of_the_plan_is_named(tmp_path: Path, about: dict[str, Any], message: str) -> None:
    runs = ask(tmp_path / "docs", "[[one], [two]]", splits=2)
    write_run(runs / "one")
    write_run(runs / "two", **{"split_seed": 2025} | about)
    with pytest.raises(markers.UnknownTable, match=message):
        markers.table("all answers", runs)


@pytest.mark.parametrize(
    ("kept", "message"),
    [
        ("[[small]]", "kept: small: a split is 2 runs"),
        ("[[small, small]]", "small: 16 rows of a task, but the plan has 64"),
        ("[[small, other]]", "kept: small, other: of several `split_seed` or `worsened.seed`"),
        ("[[small, large], [far, away]]", "kept: two splits have the same `worsened.seed`"),
        ("[[small, large], [small, large], [small, large]]", "kept: 3 splits, but the plan has 2"),
        ("[[small, gone]]", r"gone/about\.json"),
    ],
)
def test_the_sizes_of_an_area_are_those_of_the_question(tmp_path: Path, kept: str, message: str) -> None:
    runs = ask(tmp_path / "docs", kept, splits=2, rows="[16, 64]")
    for name, rows, seed, split in (("small", 16, 1, 1), ("large", 64, 1, 1), ("other", 64, 2, 1)):
        write_run(runs / name, worsened={"rows": rows, "seed": seed}, split_seed=split)
    for name, rows in (("far", 16), ("away", 64)):
        write_run(runs / name, worsened={"rows": rows, "seed": 1}, split_seed=2)
    with pytest.raises(markers.UnknownTable, match=message):
        markers.table("all answers", runs)


def test_a_method_and_its_control_have_as_many_updates(tmp_path: Path) -> None:
    runs = ask(tmp_path / "docs", "[[one]]")
    path = write_run(runs / "one") / "seed3/curves.csv"
    markers.table("all answers", runs)
    table = pd.read_csv(path)
    table.loc[(table["method"] == "b") & (table["updates"] == 80), "updates"] = 90
    table.to_csv(path, index=False)
    with pytest.raises(markers.UnknownTable, match="one: a has 80 updates, but b 90"):
        markers.table("all answers", runs)
