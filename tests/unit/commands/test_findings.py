"""The page of findings: every method against the first reference."""

from pathlib import Path

import pandas as pd
import pytest

from protomtl.analysis import comparisons
from protomtl.commands import findings


def row(method: str, reference: str, difference: float, p: float, figure: str = "overall") -> dict[str, object]:
    found = {"split": "test", "method": method, "reference": reference, "figure": figure, "difference": difference}
    return {**found, "low": difference - 0.01, "high": difference + 0.01, "p": p, "p_holm": p}


def test_every_method_is_compared_with_the_first_reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = {"concat": "Concatenated", "unfrozen": "Unfrozen", "best": "Best"}
    pd.DataFrame({"method": [*labels], "label": [*labels.values()]}).to_csv(tmp_path / "tables-table1.csv", index=False)
    rows = [
        row("best", "concat", 0.02, 0.01),
        row("best", "concat", 0.05, 0.01, figure="sst"),
        row("best", "concat", 0.04, 0.01) | {"split": "dev"},
        row("unfrozen", "concat", -0.01, 0.2),
        row("best", "unfrozen", 0.03, 0.01),
    ]
    monkeypatch.setattr(findings, "PAGE", tmp_path / "findings.md")
    lines = findings.against(pd.DataFrame(rows), tmp_path)
    assert lines[0] == "**Every other method minus `concat`** (Concatenated), test, overall:"
    assert [line for line in lines if line.startswith("| ")][1:] == [
        "| Best | +0.0200 | +0.0100 to +0.0300 | 0.010 | better | n/a |",
        "| Unfrozen | -0.0100 | -0.0200 to +0.0000 | 0.200 | not shown | n/a |",
    ]


def test_a_run_without_comparisons_says_so(tmp_path: Path) -> None:
    rows = pd.DataFrame(columns=comparisons.COLUMNS)
    assert findings.against(rows, tmp_path)[0].startswith("No comparisons")
