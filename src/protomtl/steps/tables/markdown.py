"""Tables 1 and 2, to read."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

import pandas as pd

from protomtl.analysis import caveats, trainings
from protomtl.core.markdown import UNDEFINED, markdown_table, number, plain
from protomtl.tasks.settings import Task, counted

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


class Column(NamedTuple):
    """A column to read: its head, its cell of a row, and what is said of it under the table."""

    head: str
    cell: Callable[[Row], str]
    notes: tuple[str, ...] = ()


def table_markdown(table: pd.DataFrame, tasks: Mapping[str, Task], title: str) -> str:
    """A table to read: `ours (paper, difference)` for each task and for overall."""
    shown = [*of_figures(table, tasks), *of_overall(table, tasks), *without_head(table, tasks), *of_training(table)]
    rows = [[column.cell(row) for column in shown] for row in table.to_dict("records")]
    about = table.iloc[0]
    lines = [
        f"## {title}",
        "",
        markdown_table([column.head for column in shown], rows),
        "",
        *(note for column in shown for note in column.notes),
        f"Data: {about['data']}; backbone: {about['backbone']}.",
        *([caveat] if (caveat := caveats.note(about["backbone"], about["data"], tasks)) else []),
    ]
    return "\n".join(lines) + "\n"


def of_figures(table: pd.DataFrame, tasks: Mapping[str, Task]) -> Iterator[Column]:
    """The method, the main figure of each task, and overall."""
    figures = [*tasks, "overall"]
    missing = {figure: caveats.absent(table, figure, tasks) for figure in figures}
    paper = table[[f"{figure}_paper" for figure in figures]].notna().any(axis=None)
    yield Column("method", lambda row: plain(str(row["label"])), ("Ours (paper's; difference).",) if paper else ())
    for figure in tasks:
        yield Column(figure, partial(cell, figure=figure, missing=missing[figure]))
    undefined = any(table[figure].isna().any() and missing[figure] == UNDEFINED for figure in figures)
    notes = (*captions(tasks), *([caveats.UNDEFINED] if undefined else []))
    yield Column("overall", partial(cell, figure="overall", missing=missing["overall"]), notes)


def of_overall(table: pd.DataFrame, tasks: Mapping[str, Task]) -> Iterator[Column]:
    """What else is said of overall."""
    unsure = (table["overall"].notna() & table["overall_low"].isna()).any()
    drawn = "± is the deviation over seeds; the interval is of overall, under a bootstrap of the examples of each task."
    yield Column("95 % interval", span, (drawn, *([caveats.NO_INTERVAL] if unsure else [])))
    if table["seeds"].map(number_of_seeds).max() >= trainings.ENOUGH:
        note = "Interquartile mean: of overall over the seeds, a quarter left out on either side."
        yield Column("interquartile mean", lambda row: number(row["overall_iqm"]), (note,))
    if "overall_rescaled" in table and any(task.figure.smallest == -1 for task in tasks.values()):
        note = "Overall, rescaled: each correlation r as (r + 1) / 2. It does not compare with overall."
        yield Column("overall, rescaled", lambda row: number(row["overall_rescaled"]), (note,))


def without_head(table: pd.DataFrame, tasks: Mapping[str, Task]) -> Iterator[Column]:
    """What the prototypes alone reach, where a task has it."""
    for how, (words, meaning) in BESIDE.items():
        if names := [name for name in tasks if f"{name}_{how}" in table]:
            absent = table[[f"{name}_{how}" for name in names]].isna().all(axis=1).any()
            without = (f"{ABSENT} under it: the method has none of these figures.",) if absent else ()
            yield Column(
                f"{words} ({', '.join(names)})",
                partial(beside_cell, how=how, tasks=names),
                (f"{words.capitalize()}: {meaning}", *without),
            )


def of_training(table: pd.DataFrame) -> Iterator[Column]:
    """How long a method was trained, and how often."""
    best = "The checkpoint of the epoch with the best dev overall is the one that is evaluated, on dev and on test."
    yield Column("epochs (best)", lambda row: f"{row['epochs']} ({row['best_epoch']})", (best,))
    timed = ["seconds"] if "seconds" in table else []  # in the summary: no stage may write times
    for name in ("steps", "seeds", *timed):
        yield Column(name, partial(text, name=name))


def number_of_seeds(seeds: Any) -> int:
    """Of `1, 2, 3`."""
    return len(str(seeds).split(","))


def text(row: Row, name: str) -> str:
    return str(row[name])


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
