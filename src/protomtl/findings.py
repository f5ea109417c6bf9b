"""What finished runs say about the claim: the page docs/findings.md, made of the kept figures in docs/runs."""

from pathlib import Path
from typing import Any

import pandas as pd

from protomtl import drawing, figures
from protomtl.comparisons import NOTHING
from protomtl.files import atomic, read_json
from protomtl.paths import RUNS
from protomtl.verdicts import LEVEL, QUESTIONS, judged, overall_against_first, verdict

PAGE, DIFFERENCES = Path("docs/findings.md"), "differences.png"


def write() -> None:
    """Write docs/findings.md: for each kept run and each question the difference, its interval and p, and a verdict.

    Beside each run's figures go its pictures: table1.png, Table 1 as bars, and differences.png.
    """
    runs = sorted(path.parent for path in RUNS.glob("*/about.json"))
    if not runs:
        raise SystemExit(f"{RUNS}: no run is kept; `python -m protomtl keep NAME` keeps the results that are here")
    lines = ["# Findings", "", *INTRODUCTION]
    for run in runs:
        draw(run)
        lines += section(run)
    with atomic(PAGE) as part:
        part.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{PAGE}: of {', '.join(run.name for run in runs)}")


INTRODUCTION = (
    "Made by `python -m protomtl findings` from the figures in `docs/runs`, which `python -m protomtl keep NAME` took",
    "from finished runs. Differences are of means over seeds; intervals (95 %) and p come from a paired bootstrap over",
    "examples and seeds; p is corrected by Holm over the methods of a run. A verdict needs",
    f"p below {LEVEL} on test (on dev where test has no labels).",
    "",
)


def section(run: Path) -> list[str]:
    """One run: what it was, and its answers."""
    about, rows = read_json(run / "about.json"), pd.read_csv(run / "tables-comparisons.csv")
    lines = [f"## {run.name}", "", *described(about), ""]
    for question, method, other in QUESTIONS:
        split, known = judged(rows, method, other)
        if not known:
            continue
        lines += [f"**{question}** `{method}` minus `{other}`, {split}: {verdict(known)}", ""]
        lines += ["| figure | difference | 95 % interval | p, Holm |", "|---|---|---|---|"]
        lines += [
            f"| {figure} | {row['difference']:+.4f} | {row['low']:+.4f} to {row['high']:+.4f} | {row['p_holm']:.3f} |"
            for figure, row in known.items()
        ]
        lines.append("")
    return lines + against(rows, run)


def against(rows: pd.DataFrame, run: Path) -> list[str]:
    """Every method of the run minus the one that it is compared with first, overall: a picture, and a line each."""
    found = overall_against_first(rows)
    if found.empty:
        return [NOTHING, ""]
    labels = pd.read_csv(run / "tables-table1.csv").set_index("method")["label"].to_dict()
    split, reference = found["split"].iloc[0], found["reference"].iloc[0]
    lines = [f"**Every other method minus `{reference}`** ({labels[reference]}), {split}, overall:", ""]
    lines += [f"![Each difference, with its 95 % interval]({run.relative_to(PAGE.parent) / DIFFERENCES})", ""]
    lines += ["| method | difference | 95 % interval | p, Holm |", "|---|---|---|---|"]
    lines += [
        f"| {labels[row.method]} | {row.difference:+.4f} | {row.low:+.4f} to {row.high:+.4f} | {row.p_holm:.3f} |"
        for row in found.itertuples()
    ]
    return [*lines, ""]


def draw(run: Path) -> None:
    """The pictures of one run, beside the figures that they show."""
    table = pd.read_csv(run / "tables-table1.csv")
    drawing.save_png(figures.draw_bars(table), run / "table1.png")
    compared = overall_against_first(pd.read_csv(run / "tables-comparisons.csv"))
    if len(compared):
        drawing.save_png(figures.draw_differences(compared, table), run / DIFFERENCES)


def described(about: dict[str, Any]) -> list[str]:
    """The lines of a run's data, budget and seeds, and where each of its parts can be found again."""
    budgets = [
        f"{about[phase]['epochs']} epochs of {about[phase]['steps_per_epoch'] or 'all'} steps"
        for phase in ("pretrain", "finetune")
    ]
    lines = [
        f"Data: {about['data']}; backbone: {about['backbone']};",
        f"pre-training {budgets[0]}, fine-tuning {budgets[1]}, {about['finetune']['batch_size']} examples a task,",
        "where a method says nothing else;",
    ]
    for part in about["parts"]:
        seeds, changed = ", ".join(map(str, part["seeds"])), ", ".join(part["changed"])
        lines.append(
            f"seeds {seeds}: commit `{part['commit'][:10]}`"
            + (f", with changes to {changed}" if changed else "")
            + f"; dvc.lock {part['dvc_lock'][:10]}."
        )
    return lines
