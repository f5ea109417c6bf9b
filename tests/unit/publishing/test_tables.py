"""Tables of kept runs that are written here."""

from pathlib import Path

import pandas as pd

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
