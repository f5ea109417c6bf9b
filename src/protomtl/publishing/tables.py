"""The tables that a marker can name, as head and rows of text; markers.py says what each kind shows."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from protomtl.analysis import caveats
from protomtl.analysis.verdicts import judged
from protomtl.core.files import read_record
from protomtl.core.markdown import span
from protomtl.core.settings import HELD_OUT
from protomtl.publishing.kept import (
    ENSEMBLE,
    FIGURES,
    RECORDS,
    TASKS,
    Row,
    Table,
    against_first,
    best_first,
    chosen,
    comparisons,
    kept_as,
    read,
)

MISSING = ""

Rows = list[list[str]]  # cells of a table


# ── cells ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def number(value: float) -> str:
    return MISSING if pd.isna(value) else f"{value:.3f}"


def signed(value: float) -> str:
    return f"{value:+.3f}"


def with_deviation(row: Row) -> str:
    """Overall: the mean over seeds ± its standard deviation, which one seed has not."""
    deviation = row["overall_sd"]
    return number(row["overall"]) if pd.isna(deviation) else f"{row['overall']:.3f} ± {deviation:.3f}"


def with_interval(row: Row) -> str:
    """Overall with its deviation and its 95 % interval; nothing where it is not defined."""
    if pd.isna(row["overall"]):
        return MISSING
    return f"{with_deviation(row)} ({caveats.interval(row['overall_low'], row['overall_high'])})"


def with_paper(row: Row, figure: str) -> str:
    """A figure with the paper's value in brackets."""
    theirs = row[f"{figure}_paper"]
    return number(row[figure]) + ("" if pd.isna(theirs) else f" ({theirs:.3f})")


# ── kinds ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test(run: Path, words: list[str]) -> tuple[list[str], Rows]:
    """Test of every method, best first, with its difference from the reference."""
    reference, compared = against_first(run)
    minus = {name: f"{signed(row['difference'])} ({row['p_holm']:.3f})" for name, row in compared.items()}
    return dev_and_test(run, best_first(read(run, "test")), words, f"minus `{reference}` (p, Holm)", minus)


def dev_and_test(
    run: Path, found: Table, words: list[str], title: str, last: Mapping[str, str]
) -> tuple[list[str], Rows]:
    """Dev overall and test of every method. found: of test, in order; title, last: head and cells of a last column."""
    dev = read(run, "dev")
    head = ["method", "dev overall", *(f"test {task}" for task in TASKS), "test overall (95 % interval)", title]
    rows = []
    for method in chosen(found, words):
        row = found[method]
        cells = [row["label"], with_deviation(dev[method]), *(number(row[task]) for task in TASKS)]
        rows.append([*cells, with_interval(row), last.get(method, MISSING)])
    return head, rows


def tasks(run: Path, words: list[str]) -> tuple[list[str], Rows]:
    """Test of each task under its full name, best first."""
    found = best_first(read(run, "test"))
    rows = [
        [row["label"], *(number(row[task]) for task in TASKS), with_deviation(row)]
        for row in (found[method] for method in chosen(found, words))
    ]
    return ["method", *TASKS.values(), "overall"], rows


def paper(run: Path, words: list[str]) -> tuple[list[str], Rows]:
    """Dev, with the paper's values in brackets."""
    found = read(run, "dev")
    rows = [
        [row["label"], *(with_paper(row, figure) for figure in FIGURES)]
        for row in (found[method] for method in chosen(found, words))
    ]
    return ["method", *(f"dev {figure} (paper)" for figure in FIGURES)], rows


def steps(run: Path, words: list[str]) -> tuple[list[str], Rows]:
    """Dev and test of every method with the steps of its fine-tuning."""
    found = read(run, "test")
    taken = {method: str(row["steps"]) for method, row in found.items()}
    return dev_and_test(run, found, words, "steps of fine-tuning", taken)


def against(run: Path, words: list[str]) -> tuple[list[str], Rows]:
    """Every method beside the run's first reference."""
    dev, found = read(run, "dev"), read(run, "test")
    reference, compared = against_first(run)
    head = ["method", "dev overall", "test overall", f"minus `{reference}` on test", "95 % interval", "p, Holm"]
    rows = []
    for method in chosen(found, words):
        cells = [found[method]["label"], number(dev[method]["overall"]), number(found[method]["overall"])]
        if row := compared.get(method):
            cells += [signed(row["difference"]), span(row["low"], row["high"]), f"{row['p_holm']:.2f}"]
        rows.append(cells + [MISSING] * (len(head) - len(cells)))
    return head, rows


def differences(run: Path, words: list[str]) -> tuple[list[str], Rows]:
    """One method minus another on test; the pair may stand either way round in the kept comparisons."""
    method, other = words
    _, found = judged(comparisons(run), method, other)
    if not found:
        raise ValueError(f"the run does not compare {method} with {other}")
    rows = [
        [TASKS.get(figure, figure), signed(row["difference"]), span(row["low"], row["high"]), f"{row['p_holm']:.3f}"]
        for figure, row in found.items()
    ]
    return ["figure", f"`{method}` minus `{other}`", "95 % interval", "p, Holm"], rows


def seed(run: Path, words: list[str]) -> tuple[list[str], Rows]:
    """Dev and test of one seed, as a run of one seed prints them."""
    which, *wanted = words
    kept = read_record(run / f"seed{which}" / RECORDS)
    found = read(run, "dev")
    head = ["method", *(f"dev {task}" for task in TASKS), "dev overall (paper)"]
    head += [*(f"test {figure}" for figure in FIGURES), "best epoch"]
    rows = []
    for method in chosen(found, wanted):
        dev, on_test = (recorded(kept[method]["metrics"][split]) for split in HELD_OUT)
        cells = [found[method]["label"], *(number(dev[task]) for task in TASKS)]
        cells.append(with_paper(found[method] | {"overall": dev["overall"]}, "overall"))
        rows.append([*cells, *(number(on_test[figure]) for figure in FIGURES), str(kept[method]["best_epoch"])])
    return head, rows


def recorded(figures: Mapping[str, float | None]) -> dict[str, float]:
    """The main figures of a record; NaN of what is not defined."""
    return {name: math.nan if (own := figures[name]) is None else own for name in FIGURES}


def ensemble(run: Path, words: list[str]) -> tuple[list[str], Rows]:
    """The methods of a run and its ensembles, on dev and on test."""
    head = ["", *(f"{split} {figure}" for split in HELD_OUT for figure in FIGURES)]
    dev, found = read(run, "dev"), read(run, "test")
    rows = [
        [f"{found[m]['label']}, mean of its runs", *(number(t[m][f]) for t in (dev, found) for f in FIGURES)]
        for m in chosen(found, words)
    ]
    metrics = read_record(run / kept_as(ENSEMBLE))
    kinds = {
        "for each task its best run, chosen on the split itself": "_best_member",
        "**ensemble, weighted on dev**": "",
        "ensemble, plain mean of the heads": "_mean",
    }
    for label, end in kinds.items():
        rows.append([label, *(number(metrics[s][f"{f}{end}"]) for s in HELD_OUT for f in FIGURES)])
    return head, rows


KINDS: dict[str, Callable[[Path, list[str]], tuple[list[str], Rows]]] = {
    "test": test,
    "tasks": tasks,
    "paper": paper,
    "steps": steps,
    "against": against,
    "differences": differences,
    "seed": seed,
    "ensemble": ensemble,
}
