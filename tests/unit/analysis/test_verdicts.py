"""Verdicts say what the figures allow, and no more."""

import pandas as pd
import pytest

from protomtl.analysis import verdicts


def row(method: str, reference: str, difference: float, p: float, figure: str = "overall") -> dict[str, object]:
    found = {"split": "test", "method": method, "reference": reference, "figure": figure, "difference": difference}
    return {**found, "low": difference - 0.01, "high": difference + 0.01, "p": p, "p_holm": p}


@pytest.mark.parametrize(
    ("difference", "p", "says"),
    [
        (0.03, 0.01, "**better** overall by 0.030"),
        (-0.03, 0.01, "**worse** overall by 0.030"),
        (0.004, 0.4, "**not shown** overall; gains above 0.014 are unlikely"),
        (-0.04, 0.2, "gains above 0.000 are unlikely"),
    ],
)
def test_verdicts(difference: float, p: float, says: str) -> None:
    found = verdicts.compared(pd.DataFrame([row("prototypical", "concat", difference, p)]), "prototypical", "concat")
    assert found is not None and says in verdicts.verdict({"overall": found})


def test_a_comparison_the_other_way_round_is_turned() -> None:
    rows = pd.DataFrame([row("concat_longer", "prototypical", 0.03, 0.01)])
    found = verdicts.compared(rows, "prototypical", "concat_longer")
    assert found is not None
    assert (found["difference"], found["low"], found["high"]) == pytest.approx((-0.03, -0.04, -0.02))
    assert verdicts.compared(rows, "prototypical", "muppet") is None


def test_tasks_are_named_that_are_decided() -> None:
    decided = {"difference": -0.02, "low": -0.03, "high": -0.01, "p_holm": 0.01}
    open_ = {"difference": 0.0, "low": -0.01, "high": 0.01, "p_holm": 0.9}
    assert verdicts.verdict({"overall": open_, "sst": decided, "sts": open_}).endswith("By task: sst worse.")
