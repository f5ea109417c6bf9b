"""Verdicts say what the figures allow, and no more."""

import pandas as pd
import pytest

from protomtl.analysis import verdicts


def row(
    method: str, reference: str, difference: float, p: float, figure: str = "overall", equal: float = 0.9
) -> dict[str, object]:
    found = {"split": "test", "method": method, "reference": reference, "figure": figure, "difference": difference}
    more = {"margin": 0.01, "p_equal": equal, "detectable": 0.02, "improvement": 0.7}
    return {**found, "low": difference - 0.01, "high": difference + 0.01, "p": p, "p_holm": p, **more}


@pytest.mark.parametrize(
    ("difference", "p", "equal", "says"),
    [
        (0.03, 0.01, 0.9, "**better** overall by 0.030. "),
        (-0.03, 0.01, 0.9, "**worse** overall by 0.030. "),
        (0.004, 0.01, 0.04, "**better** overall by 0.004, by less than 0.01 for sure. "),
        (0.004, 0.4, 0.06, "**not shown** overall; gains above 0.014 are unlikely"),
        (0.03, 0.05, 0.05, "**not shown** overall"),  # below the level, not at it
        (0.004, 0.4, 0.04, "**equal** overall, within 0.01. "),
        (-0.04, 0.2, 0.9, "gains above 0.000 are unlikely"),
        (0.004, 0.4, float("nan"), "**not shown** overall"),
    ],
)
def test_verdicts(difference: float, p: float, equal: float, says: str) -> None:
    rows = pd.DataFrame([row("prototypical", "concat", difference, p, equal=equal)])
    found = verdicts.compared(rows, "prototypical", "concat")
    assert found is not None and says in verdicts.verdict({"overall": found})


def test_comparisons_of_older_versions_tell_of_no_equality() -> None:
    rows = pd.DataFrame([row("prototypical", "concat", 0.0, 0.9, equal=0.001)]).drop(columns=[*verdicts.OLDER])
    found = verdicts.compared(rows, "prototypical", "concat")
    assert found is not None and "**not shown**" in verdicts.verdict({"overall": found})


def test_a_comparison_the_other_way_round_is_turned() -> None:
    rows = pd.DataFrame([row("concat_longer", "prototypical", 0.03, 0.01)])
    found = verdicts.compared(rows, "prototypical", "concat_longer")
    assert found is not None
    assert (found["difference"], found["low"], found["high"]) == pytest.approx((-0.03, -0.04, -0.02))
    assert (found["improvement"], found["detectable"]) == pytest.approx((0.3, 0.02))
    assert verdicts.compared(rows, "prototypical", "muppet") is None


def test_tasks_are_named_that_are_decided() -> None:
    decided = {"difference": -0.02, "low": -0.03, "high": -0.01, "p_holm": 0.01}
    open_ = {"difference": 0.0, "low": -0.01, "high": 0.01, "p_holm": 0.9}
    assert verdicts.verdict({"overall": open_, "sst": decided, "sts": open_}).endswith("By task: sst worse.")
