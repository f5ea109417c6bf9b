"""Tables of what stress does to the methods of a kept run, from the files of its report."""

from pathlib import Path

import pandas as pd

from protomtl.analysis.caveats import interval
from protomtl.core.files import read_record
from protomtl.core.markdown import number, span
from protomtl.core.written import UNDER_STRESS, read_table
from protomtl.publishing.kept import REPORTED, kept_as
from protomtl.publishing.tables import Rows

LOSSES, FAILURES, PRIMARY = map(kept_as, REPORTED)


def noise(run: Path, words: list[str]) -> tuple[list[str], Rows]:
    """Of a figure a row a kind of noise and a column a method: the loss, and its 95 % interval."""
    return losses(run, words, "noise")


def shifted(run: Path, words: list[str]) -> tuple[list[str], Rows]:
    """The same of other places."""
    return losses(run, words, "shift")


def losses(run: Path, words: list[str], kind: str) -> tuple[list[str], Rows]:
    rows = table(run, LOSSES, words)
    return across(rows[rows["kind"] == kind], "loss", words[1:])


def failures(run: Path, words: list[str]) -> tuple[list[str], Rows]:
    """Of a task a row a test of meaning and a column a method: the share of rows that fail, and its 95 % interval."""
    return across(table(run, FAILURES, words), "failed", words[1:])


def table(run: Path, name: str, words: list[str]) -> pd.DataFrame:
    """The rows of a kept file whose task, or overall, is the first of the words."""
    found = read_table(reported(run, name), UNDER_STRESS)
    if not words or words[0] not in {*found["task"]}:
        raise ValueError(f"give one of {', '.join(dict.fromkeys(found['task']))}")
    return found[found["task"] == words[0]]


def reported(run: Path, name: str) -> Path:
    """A file of a report. ValueError where it was not kept."""
    if not (run / name).exists():
        raise ValueError(f"the run has no {name}; keep it again, behind `report`")
    return run / name


def across(rows: pd.DataFrame, figure: str, methods: list[str]) -> tuple[list[str], Rows]:
    rounded = rows[[figure, "low", "high"]].round(3) + 0.0  # no -0.000
    rows = pd.concat([rows[["stress", "method", "rows"]], rounded], axis=1)
    there = [*dict.fromkeys(rows["method"])]
    if unknown := {*methods} - {*there}:
        raise ValueError(f"the run has no method {', '.join(sorted(unknown))}")
    known = rows.set_index(["stress", "method"])
    chosen = methods or there
    found = []
    for stress in dict.fromkeys(rows["stress"]):
        cells = (known.loc[(stress, method)] for method in chosen)
        each = [f"{number(cell[figure])} ({interval(cell['low'], cell['high'])})" for cell in cells]
        found.append([f"`{stress}`", f"{known.loc[(stress, chosen[0]), 'rows']:,.0f}", *each])
    return ["stress", "rows", *(f"`{method}`" for method in chosen)], found


def primary(run: Path, words: list[str]) -> tuple[list[str], Rows]:
    """The figure that was fixed before, in one row."""
    one = read_record(reported(run, PRIMARY))
    head = ["stress", "comparison", "loss of each", "difference", "95 % interval", "p", "equal: p", "verdict"]
    row = [
        f"`{one['stress']}`",
        f"`{one['method']}` minus `{one['reference']}`",
        f"{number(one['loss'])}, {number(one['loss_reference'])}",
        f"{one['difference']:+.3f}",
        span(one["low"], one["high"]),
        *(f"{one[p]:.3f}" for p in ("p", "p_equal")),
        one["verdict"],
    ]
    return head, [row]


KINDS = {"noise": noise, "shifted": shifted, "failures": failures, "primary": primary}
