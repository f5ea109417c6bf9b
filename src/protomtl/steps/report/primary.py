"""The figure of the page "Robust?" that was fixed before any run was looked at.

It is the loss of overall under one stress, of the first pair of methods that was run.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from protomtl.analysis import bootstrap
from protomtl.core.runs import Run
from protomtl.steps.report.stressed import Drawn, over_seeds

STRESS = "typos_10"
PAIRS = (
    ("leave_one_out", "concat_longer"),
    ("leave_one_out_64", "concat_longer"),
    ("prototypical", "concat_longer"),
    ("prototypical", "concat"),
)
MARGIN = 0.01  # what is smaller does not matter


def figure(losses: pd.DataFrame, drawn: Drawn, runs: Sequence[Run]) -> dict[str, Any] | None:
    """The loss of a method, of its reference, and their difference with its tests.

    None where this run has not the methods or the rows.
    """
    stress = stress_of(losses.get("stress", []))
    pair = next((pair for pair in PAIRS if {*pair} <= {run.method for run in runs}), None)
    if stress is None or pair is None or (stress, "overall") not in drawn:
        return None
    whole = drawn[stress, "overall"]
    of = [over_seeds(whole[:, [run.method == method for run in runs]]) for method in pair]
    every = losses[losses["stress"] == stress].set_index("method")
    rows, fewest = every[every["task"] == "overall"], int(every["rows"].min())
    method, reference = rows.loc[[*pair], "loss"].astype(float).tolist()
    low, high = bootstrap.interval(of[0] - of[1])
    apart = (of[0] - of[1])[:, None]
    tests = {"p": bootstrap.two_sided_p(apart).item(), "p_equal": bootstrap.equal_p(apart, MARGIN, fewest).item()}
    return {
        "stress": stress,
        **dict(zip(("method", "reference"), pair, strict=True)),
        **{"rows": int(rows["rows"].iloc[0]), "loss": method, "loss_reference": reference},
        **{"difference": method - reference, "low": float(low), "high": float(high), "margin": MARGIN},
        **tests,
        "verdict": verdict(method - reference, **tests),
    }


def stress_of(made: Iterable[str]) -> str | None:
    """The one that was fixed, or the largest share of typos where `perturb.noise` has not that one."""
    typos = [stress for stress in dict.fromkeys(made) if stress.startswith("typos_")]
    return STRESS if STRESS in typos else max(typos, key=lambda stress: int(stress.partition("_")[2]), default=None)


def verdict(difference: float, p: float, p_equal: float) -> str:
    """Of the difference of two losses, by the tests that the tables have (analysis/bootstrap.py)."""
    same = p_equal < bootstrap.LEVEL
    if p < bootstrap.LEVEL:
        return f"the first loses {'less' if difference < 0 else 'more'}" + (", by less than the margin" if same else "")
    return "equal within the margin" if same else "neither shown nor ruled out"
