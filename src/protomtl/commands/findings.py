"""Command `findings`: write the page of findings, and the result tables of README and docs, from what is kept."""

import argparse
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from protomtl.analysis.bootstrap import LEVEL
from protomtl.analysis.comparisons import NOTHING
from protomtl.analysis.verdicts import QUESTIONS, Compared, judged, overall_against_first, verdict, word
from protomtl.core.files import atomic, read_record
from protomtl.core.markdown import markdown_table, number, plain, span
from protomtl.core.paths import KEPT
from protomtl.core.written import COMPARED, TABLE, read_table
from protomtl.plots import style
from protomtl.plots.bars import draw_bars, draw_differences
from protomtl.publishing import markers
from protomtl.publishing.kept import BARS, COMPARISONS, DIFFERENCES, TABLES
from protomtl.receipt.kept import as_kept

PAGE = Path("docs/results/findings.md")


def run(args: argparse.Namespace) -> None:
    write()


def write() -> None:
    """Write the page: for each of its runs and each question the difference, its interval and p, and a verdict.

    Beside each run's figures go its pictures: table1.png, Table 1 as bars, and differences.png.
    """
    runs = kept_runs()
    for run in runs:
        with as_kept(run):
            draw(run)
    with atomic(PAGE) as part:
        part.write_text(page(runs), encoding="utf-8")
    print(f"{PAGE}: of {', '.join(run.name for run in runs)}")
    for path in markers.update([*Path().glob("README.md"), *sorted(Path("docs").rglob("*.md"))], KEPT):
        print(f"{path}: its tables are those of the kept runs again")


def kept_runs() -> list[Path]:
    """The folders of those on the page: all that were not kept with --no-findings. SystemExit without one."""
    abouts = sorted(KEPT.glob("*/about.json"))
    runs = [about.parent for about in abouts if is_found(about)]
    if not runs:
        raise SystemExit(
            f"{KEPT}: no run is kept for the page; `python -m protomtl keep NAME` keeps the results that are here"
        )
    return runs


def is_found(about: Path) -> bool:
    with as_kept(about.parent):
        return bool(read_record(about).get("findings", True))


def page(runs: list[Path]) -> str:
    """The whole page, a section a run. SystemExit for a damaged one."""
    lines = ["# Findings", "", *INTRODUCTION, *(line for run in runs for line in section(run))]
    return "\n".join(lines) + "\n"


INTRODUCTION = (
    "`python -m protomtl findings` makes this page from figures in `docs/runs`.",
    "`python -m protomtl keep NAME` took them from finished runs. Runs kept with `--no-findings` are not on it.",
    "",
    "Differences are of means over seeds. Intervals (95 %) and p come from a paired bootstrap over examples, and over",
    "seeds where a run has several.",
    "p is corrected by Holm. A family is all methods of a run, against one reference, on one figure.",
    f"Better or worse needs p below {LEVEL} on test, or on dev where test has no labels.",
    "Equal needs the two one-sided tests against the margin in the run's comparisons. Not shown is neither.",
    "Detectable is the true difference that such a comparison finds in 80 % of cases.",
    "",
)


def section(run: Path) -> list[str]:
    """One run: what it was, and its answers."""
    rows = read_table(run / COMPARISONS, COMPARED)
    with as_kept(run):
        lines = [f"## {run.name}", "", *described(read_record(run / "about.json")), ""]
    if "p_equal" not in rows:
        lines += ["The predictions of this run were not kept, so 2,000 resamples stay, without a test of equality.", ""]
    for question, method, other in QUESTIONS:
        split, known = judged(rows, method, other)
        if not known:
            continue
        lines += [f"**{question}** `{method}` minus `{other}`, {split}: {verdict(known)}", ""]
        lines += [*differences("figure", known), ""]
    return lines + against(rows, run)


def against(rows: pd.DataFrame, run: Path) -> list[str]:
    """Every method of the run minus the one that it is compared with first, overall: a picture, and a line each."""
    found = overall_against_first(rows)
    if found.empty:
        return [NOTHING, ""]
    labels = read_table(run / TABLES["dev"], TABLE).set_index("method")["label"].map(plain).to_dict()
    split, reference = found["split"].iloc[0], found["reference"].iloc[0]
    lines = [f"**Every other method minus `{reference}`** ({labels[reference]}), {split}, overall:", ""]
    lines += [
        f"![Each difference, with its 95 % interval]({Path(os.path.relpath(run, PAGE.parent)) / DIFFERENCES})",
        "",
    ]
    others: dict[str, Any] = {labels[row["method"]]: row for row in found.to_dict("records")}
    return [*lines, *differences("method", others), ""]


def differences(first: str, rows: Mapping[str, Compared]) -> list[str]:
    """The lines of a table of comparisons; `first` heads the column of their names."""
    cells = [
        [
            name,
            *(f"{row['difference']:+.4f}", span(row["low"], row["high"], "+.4f"), f"{row['p_holm']:.3f}"),
            *(word(row), number(row.get("detectable"))),
        ]
        for name, row in rows.items()
    ]
    return markdown_table(
        [first, "difference", "95 % interval", "p, Holm", "verdict", "detectable"], cells
    ).splitlines()


def draw(run: Path) -> None:
    """The pictures of one run, beside the figures that they show."""
    table = read_table(run / TABLES["dev"], TABLE)
    save(draw_bars(table), run / BARS)
    compared = overall_against_first(read_table(run / COMPARISONS, COMPARED))
    if len(compared):
        save(draw_differences(compared, table), run / DIFFERENCES)


def save(figure: Figure, path: Path) -> None:
    with atomic(path) as part:
        style.save_png(figure, part)


def described(about: dict[str, Any]) -> list[str]:
    """The lines of a run's data, budget and seeds, and where each of its parts can be found again."""
    before, after = (
        f"{about[phase]['epochs']} epochs of {about[phase]['steps_per_epoch'] or 'all'} steps"
        for phase in ("pretrain", "finetune")
    )
    lines = [
        f"Data: {about['data']}. Backbone: {about['backbone']}.",
        f"Pre-training has {before}, fine-tuning {after}, unless a method says otherwise.",
        f"A step has {about['finetune']['batch_size']} examples of each task.",
        "",
    ]
    for part in about["parts"]:
        seeds, changed = ", ".join(map(str, part["seeds"])), ", ".join(part["changed"])
        lines.append(
            f"- Seeds {seeds}: commit `{part['commit'][:10]}`"
            + (f", with changes to {changed}" if changed else "")
            + f"; dvc.lock {part['dvc_lock'][:10]}."
        )
    return lines
