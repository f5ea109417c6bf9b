"""Tables 1 and 2 and the comparisons, to read."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from protomtl.analysis import bootstrap, caveats, trainings, verdicts
from protomtl.analysis.comparisons import NOTHING
from protomtl.core.markdown import UNDEFINED, markdown_table, number, plain
from protomtl.core.settings import Joined, Method
from protomtl.tasks.settings import Task, counted

RESCALED = "overall, rescaled"
TITLES = {"table1": "Table 1: dev", "table2": "Table 2: test"}
BESIDE = {  # figures without the head, by their names in metrics.json
    "nearest": ("nearest prototype", "the figure without the head, by the nearest mean of training rows."),
    "readout": (
        "prototypes with prior and scale",
        "the same figures as the head's, by -τ d + log π, with π the shares of the training rows and τ fitted on dev.",
    ),
    "first": (
        "straight after phase 1",
        "the figures of prototypes with prior and scale before any head is trained.",
    ),
    "first_nearest": (
        "straight after phase 1, nearest prototype",
        "the same without prior and scale, as the report reads prototypes.",
    ),
}
ABSENT = "-"  # of figures that a method does not have, as those of a first phase
Row = dict[Any, Any]  # of a table


def table_markdown(table: pd.DataFrame, tasks: Mapping[str, Task], title: str) -> str:
    """A table to read: `ours (paper, difference)` for each task and for overall."""
    figures = [*tasks, "overall"]
    missing = {figure: UNDEFINED if caveats.labelled(table, figure) else "no labels" for figure in figures}
    undefined = any(table[figure].isna().any() and missing[figure] == UNDEFINED for figure in figures)
    unsure = (table["overall"].notna() & table["overall_low"].isna()).any()
    rescaled = "overall_rescaled" in table and any(task.figure.smallest == -1 for task in tasks.values())
    timed = ["seconds"] if "seconds" in table else []  # in the summary: no stage may write times
    robust = ["interquartile mean"] if table["seeds"].map(number_of_seeds).max() >= trainings.ENOUGH else []
    beside = {how: [name for name in tasks if f"{name}_{how}" in table] for how in BESIDE}
    shown = [f"{words} ({', '.join(beside[how])})" for how, (words, _) in BESIDE.items() if beside[how]]
    head = [
        "method",
        *figures,
        "95 % interval",
        *robust,
        *([RESCALED] if rescaled else []),
        *shown,
        "epochs (best)",
        "steps",
        "seeds",
        *timed,
    ]
    rows = [
        [
            plain(str(row["label"])),
            *(cell(row, figure, missing[figure]) for figure in figures),
            span(row),
            *([number(row["overall_iqm"])] if robust else []),
            *([number(row["overall_rescaled"])] if rescaled else []),
            *(beside_cell(row, how, names) for how, names in beside.items() if names),
            f"{row['epochs']} ({row['best_epoch']})",
            str(row["steps"]),
            str(row["seeds"]),
            *(str(row[name]) for name in timed),
        ]
        for row in table.to_dict("records")
    ]
    absent = any(table[[f"{name}_{how}" for name in names]].isna().all(axis=1).any() for how, names in beside.items())
    about = table.iloc[0]
    paper = table[[f"{figure}_paper" for figure in figures]].notna().any(axis=None)
    lines = [
        f"## {title}",
        "",
        markdown_table(head, rows),
        "",
        *(["Ours (paper's; difference)."] if paper else []),
        *captions(tasks),
        *(
            ["Overall, rescaled: each correlation r as (r + 1) / 2. It does not compare with overall."]
            if rescaled
            else []
        ),
        "± is the deviation over seeds; the interval is of overall, under a bootstrap of the examples of each task.",
        *(["Interquartile mean: of overall over the seeds, a quarter left out on either side."] if robust else []),
        *(f"{words.capitalize()}: {meaning}" for how, (words, meaning) in BESIDE.items() if beside[how]),
        *([f"{ABSENT} under them: the method has none of these figures."] if absent else []),
        "The checkpoint of the epoch with the best dev overall is the one that is evaluated, on dev and on test.",
        f"Data: {about['data']}; backbone: {about['backbone']}.",
        *([caveats.UNDEFINED] if undefined else []),
        *([caveats.NO_INTERVAL] if unsure else []),
        *([caveat] if (caveat := caveats.note(about["backbone"], tasks)) else []),
    ]
    return "\n".join(lines) + "\n"


def number_of_seeds(seeds: Any) -> int:
    """Of `1, 2, 3`."""
    return len(str(seeds).split(","))


def captions(tasks: Mapping[str, Task]) -> list[str]:
    """Which figure stands for each task, and what overall is the mean of."""
    names: dict[str, list[str]] = {}
    for name, task in tasks.items():
        names.setdefault(task.figure.words, []).append(name)
    shown = "; ".join(f"{words} for {', '.join(several)}" for words, several in names.items())
    lines = [f"{shown[0].upper()}{shown[1:]}. Overall is their mean."]
    if turned := [name for name in tasks if name not in counted(tasks)]:
        lines.append(f"Less is better for {', '.join(turned)}, which overall leaves out.")
    return lines


def cell(row: Row, figure: str, missing: str) -> str:
    """`0.712 ± 0.010 (0.724; -0.012)`, without the parts that do not exist."""
    if pd.isna(row[figure]):
        return missing
    ours = f"{row[figure]:.3f}"
    if pd.notna(row[f"{figure}_sd"]):
        ours += f" ± {row[f'{figure}_sd']:.3f}"
    if pd.notna(row[f"{figure}_paper"]):
        ours += f" ({row[f'{figure}_paper']:.3f}; {row[f'{figure}_difference']:+.3f})"
    return ours


def span(row: Row) -> str:
    """`0.693 to 0.731`, the interval of overall; `-` without labels."""
    return "-" if pd.isna(row["overall"]) else caveats.interval(row["overall_low"], row["overall_high"])


def beside_cell(row: Row, how: str, tasks: list[str]) -> str:
    """`0.587, 0.702`: the figure of each of these tasks without the head; `-` where a method has none of them."""
    values = [row[f"{name}_{how}"] for name in tasks]
    return ABSENT if pd.isna(values).all() else ", ".join(map(number, values))


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
        missing = "no labels, or a figure that one of both does not have, or not on 95 % of the resamples"
        lines += [f"{UNDEFINED}: {missing}.", ""]
    lines += explained(table, len(seeds) > 1)
    if most := table["undefined"].max():
        lines.append(f"Resamples on which a figure is not defined are left out: {most} at most.")
    if turned := [name for name in tasks if name not in counted(tasks)]:
        lines.append(f"Less is better for {', '.join(turned)}: there the sign is turned, so that + is better too.")
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
    cells = [f"{row['difference']:+.3f}", difference_span(row), f"{row['p']:.3f}", f"{row['p_holm']:.3f}"]
    cells += [f"{row['p_equal']:.3f}", verdicts.word(row), f"{row['detectable']:.3f}"]
    chance = f"{row['improvement']:.2f} ({row['improvement_low']:.2f} to {row['improvement_high']:.2f})"
    return [*cells, *([chance] if several else [])]


def task_cell(row: Row | None) -> str:
    return UNDEFINED if row is None else f"{row['difference']:+.3f} ({row['p_holm']:.3f})"


def difference_span(row: Row) -> str:
    return f"{row['low']:+.3f} to {row['high']:+.3f}"
