"""The comparisons, to read."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from protomtl.analysis import bootstrap, caveats, verdicts
from protomtl.analysis.comparisons import NOTHING
from protomtl.core.markdown import UNDEFINED, markdown_table, number, plain, span
from protomtl.core.settings import Joined, Method
from protomtl.tasks.settings import Task

Row = dict[Any, Any]  # of a table


def comparisons_markdown(
    table: pd.DataFrame, blocks: Mapping[str, Method | Joined], tasks: Mapping[str, Task], seeds: Sequence[int]
) -> str:
    """The comparisons to read: a table for each split and reference, a row a method."""
    if table.empty:
        return f"{NOTHING}\n"
    found = {(row["split"], row["reference"], row["method"], row["figure"]): row for row in table.to_dict("records")}
    head = ["method", "overall", "95 % interval", "p", "p, Holm", "equal: p, Holm", "verdict", "detectable"]
    head += [*(["better training"] if len(seeds) > 1 else []), *(f"{task} (p, Holm)" for task in tasks)]
    lines = []
    for split, reference in dict.fromkeys(key[:2] for key in found):
        rows = []
        for method in dict.fromkeys(key[2] for key in found if key[:2] == (split, reference)):
            whole, *parts = (found.get((split, reference, method, figure)) for figure in ("overall", *tasks))
            cells = overall_cells(whole, len(seeds) > 1)
            rows.append([plain(blocks[method].label), *cells, *map(task_cell, parts)])
        lines += [f"## {split}: minus {plain(blocks[reference].label)}", "", markdown_table(head, rows), ""]
    if any(UNDEFINED in line for line in lines):
        missing = (
            "no labels, fewer than six rows, or a figure that one of both does not have, or not on 95 % of the "
            "resamples; as detectable: both answer all rows alike, which does not tell it"
        )
        lines += [f"{UNDEFINED}: {missing}.", ""]
    lines += explained(table, len(seeds) > 1)
    if most := table["undefined"].max():
        lines.append(f"Resamples on which a figure is not defined are left out: {most} at most.")
    if turned := caveats.turned(tasks):
        lines.append(turned)
    return "\n".join(lines) + "\n"


def explained(table: pd.DataFrame, several: bool) -> list[str]:
    """What the columns of the comparisons are; several: seeds."""
    drawn = "examples and seeds, paired by both" if several else "examples (one seed: not of trainings)"
    margin, family = table["margin"].max(), table["family"].max()
    lines = [
        f"Differences of means over seeds; intervals and p from {bootstrap.RESAMPLES:,} resamples of {drawn}.",
        f"Holm's p is corrected over the rows of a table, {family} at most, for each figure by itself; "
        "not over figures or tables.",
        f"Verdict: better or worse where Holm's p is below {bootstrap.LEVEL}; equal where a difference of {margin:g} "
        "is excluded, by two one-sided tests; else not shown, which is not equal.",
        f"Detectable: the smallest true difference that such a comparison finds in {bootstrap.POWER:.0%} of cases.",
    ]
    if several:
        lines.append(
            "Better training: how probably one training of the method has more than one of the reference, with its "
            "95 % interval over seeds; 0.5 is a toss."
        )
    return [
        *lines,
        "The epoch was chosen on dev, which favours every method there: judge by test, where it has labels.",
    ]


def overall_cells(row: Row | None, several: bool) -> list[str]:
    """The cells of overall; several: seeds, which the probability of improvement needs."""
    if row is None:
        return [UNDEFINED, *[""] * (6 + several)]
    cells = [f"{row['difference']:+.3f}", span(row["low"], row["high"]), f"{row['p']:.3f}", f"{row['p_holm']:.3f}"]
    cells += [f"{row['p_equal']:.3f}", verdicts.word(row), number(row["detectable"])]
    chance = f"{row['improvement']:.2f} ({span(row['improvement_low'], row['improvement_high'], '.2f')})"
    return [*cells, *([chance] if several else [])]


def task_cell(row: Row | None) -> str:
    return UNDEFINED if row is None else f"{row['difference']:+.3f} ({row['p_holm']:.3f})"
