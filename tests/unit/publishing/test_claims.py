"""Whether a claim holds, by hand: all comparisons must bear it, and one that shows the contrary is enough."""

import json
from pathlib import Path

import pandas as pd
import pytest

from protomtl.publishing.claims import CLAIMS, LESS, MORE, Check, Found, checks, claims, outcomes, verdict


def found(*rows: tuple[str, float, float, float]) -> Found:
    """(wanted, difference, p, p of equality) of each comparison."""
    known = []
    for wanted, difference, p, equal in rows:
        row = {"difference": difference, "low": difference - 0.1, "high": difference + 0.1, "p": p, "p_equal": equal}
        known.append((Check("a", "b", "sst", wanted), row))
    return known


@pytest.mark.parametrize(
    ("rows", "holds"),
    [
        ([(MORE, 0.1, 0.01, 1.0)], "yes"),
        ([(LESS, 0.1, 0.01, 1.0)], "no"),
        ([(LESS, -0.1, 0.01, 1.0)], "yes"),
        ([(MORE, 0.1, 0.06, 1.0)], "not shown"),
        ([(MORE, 0.001, 0.6, 0.01)], "no"),  # equal within the margin
        ([(MORE, 0.1, 0.04, 1.0), (MORE, 0.1, 0.04, 1.0)], "yes"),  # each at the level itself
        ([(MORE, 0.1, 0.01, 1.0), (MORE, -0.1, 0.3, 1.0)], "not shown"),
        ([(MORE, 0.1, 0.001, 1.0), (MORE, -0.1, 0.04, 1.0)], "no"),
        ([(MORE, -0.1, 0.04, 1.0), (MORE, 0.1, 0.5, 1.0)], "not shown"),  # 2 × 0.04, by Holm
    ],
)
def test_verdicts(rows: list[tuple[str, float, float, float]], holds: str) -> None:
    assert verdict(found(*rows), len(rows)) == holds


def test_a_part_of_the_comparisons_can_refute_a_claim_and_not_bear_it() -> None:
    assert verdict(found((MORE, 0.1, 0.01, 1.0)), 2) == "not shown"
    assert verdict(found((MORE, -0.1, 0.01, 1.0)), 2) == "no"
    assert verdict([], 2) == ""


def test_a_comparison_that_an_older_run_does_not_test_for_equality_is_open() -> None:
    assert outcomes(found((MORE, 0.0, 0.9, float("nan")))) == ["not shown"]


def test_the_eight_claims() -> None:
    """Seven of methods, one of the space; weights: three tasks named, six others."""
    assert len(CLAIMS) == 7
    assert [len(demanded) for _, demanded in CLAIMS.values()] == [1, 1, 3, 6, 3, 3, 6]
    assert {c.method for c in CLAIMS["A weight of 0.98 lifts the named task"][1] if c.figure == "sts"} == {
        "sts_weighted"
    }


def test_a_run_of_some_methods_has_some_claims(tmp_path: Path) -> None:
    row = {"split": "test", "method": "unfrozen", "reference": "cosine", "figure": "sts", "difference": -0.3}
    row |= {"low": -0.4, "high": -0.2, "p": 0.001, "p_holm": 0.001}
    pd.DataFrame([row]).to_csv(tmp_path / "tables-comparisons.csv", index=False)
    table1 = {"method": ["unfrozen", "cosine"], "sts_paper": [0.383, 0.702]}
    pd.DataFrame(table1).to_csv(tmp_path / "tables-table1.csv", index=False)
    _, rows = claims(tmp_path, [])
    assert rows[1] == ["The cosine lifts similarity", "§6, Table 1", "sts +0.300", "yes"]
    assert rows[0][2:] == ["not in this run", ""] and rows[-1][2:] == ["not in this run", ""]
    assert checks(tmp_path, [])[1] == [
        ["**The cosine lifts similarity**", *[""] * 6],
        ["`cosine` minus `unfrozen`", "sts", "+0.319", "+0.300", "+0.200 to +0.400", "0.001", "yes"],
    ]
    space = {"sst": {"after": {"linear_probe": 0.91, "majority": 0.3, "silhouette": 0.5}}}
    (tmp_path / "embed-space.json").write_text(json.dumps(space))
    assert claims(tmp_path, [])[1][-1][2:] == [
        "linear probe 0.910 on dev, largest class 0.300, silhouette +0.500",
        "yes",
    ]
