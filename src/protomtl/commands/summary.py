"""Command `summary`: print the table of the finished run and where everything lies; Figure 2, and tables with times.

None of these can be the output of a stage. Seconds differ between equal runs. The picture is drawn from dvc.yaml, which
DVC does not take as a dependency. The figures for clones are in git, and DVC takes no output that is.
"""

import argparse
import math
import shutil
from pathlib import Path

import pandas as pd
from tabulate import tabulate

from protomtl.core.files import atomic, read_record, write_json
from protomtl.core.paths import CURRENT, SUMMARY, results
from protomtl.core.runs import Run
from protomtl.core.sections import PARAMS
from protomtl.core.written import TABLE, read_table
from protomtl.params import Params, load
from protomtl.pipeline_figure import draw_pipeline
from protomtl.steps.tables.markdown import TITLES, table_markdown
from protomtl.tasks.settings import main_tasks
from protomtl.training import timing

GRAPH = Path("dvc.yaml")
PLACES = {
    "results/tables/": "Tables 1 and 2, comparisons of methods (CSV, Markdown); main figures on dev as JSON",
    "results/ensemble/": "all runs together, weighted on dev: figures, weights, predictions",
    "results/embed/": "Figure 1: t-SNE and UMAP before and after pre-training; how far the classes are apart",
    "results/figures/": "training curves and Table 1 as bars (PNG, SVG)",
    "results/report/": "answer, tables, worst errors as pages; `make report` makes one of all, results/report.html",
    "results/summary/": "Tables 1 and 2 with seconds (CSV, Markdown), and Figure 2: the pipeline",
    "results/evaluate/": "predictions, confusion matrices and metrics of each method",
    "results/finetune/": "trained encoders (Hugging Face folders), heads, resolved configuration",
    "results/prepare/": "the report on the data",
    "results/export/": "one trained model, to use elsewhere: `protomtl.load`, `protomtl predict`",
}


def run(args: argparse.Namespace) -> None:
    show()


def show() -> None:
    """Print the summary; write results/summary: Tables 1 and 2 with the seconds of both phases, and Figure 2.

    Seconds come from this folder's own runs; a result that DVC restored has none. A run that was asked for less than
    the tables has nothing to sum up yet.
    """
    if not results("tables").exists():
        print(f"{results('tables')}: not there yet; `snakemake --cores 4 all` makes them")
        print_places()
        return
    params = load()
    main = main_tasks(params.tasks)
    if others := other_than(params, [*main]):
        print(f"{results('tables')}: of {others}, which {PARAMS} has not now; `snakemake --cores 4 all` makes others")
        print_places()
        return
    with atomic(SUMMARY) as part:
        part.mkdir()
        parts = {name: row.parts for name, row in params.joined.items()}
        for name, title in TITLES.items():
            table = read_table(results("tables") / f"{name}.csv", TABLE)
            table["seconds"] = [seconds(parts.get(method, [method]), params.seeds) for method in table["method"]]
            table.to_csv(part / f"{name}.csv", index=False, lineterminator="\n")
            (part / f"{name}.md").write_text(table_markdown(table, main, title), encoding="utf-8")
        draw_pipeline(GRAPH, len(params.methods), len(params.seeds), part)
    keep_current()
    table, figures = read_table(SUMMARY / "table1.csv", TABLE), [*main, "overall"]
    paper = "; (paper's value)" if table[[f"{name}_paper" for name in figures]].notna().any(axis=None) else ""
    print(f"\nDev, {params.data.source} data, {params.backbone.label}, seeds {params.seeds}{paper}\n")
    print(shown(table, figures))
    print()
    print_places()


def other_than(params: Params, tasks: list[str]) -> str:
    """Methods, seeds or tasks that the tables are of, in words, where params.yaml has others, as after an edit; nothing
    where it has the same. tasks: the main ones."""
    table = read_table(results("tables") / "table1.csv", TABLE)
    parts = {name: row.parts for name, row in params.joined.items()}
    methods = [method for row in table["method"] for method in parts.get(row, [row])]
    seeds = [int(seed) for seed in str(table["seeds"].iloc[0]).split(", ")]
    shown = [str(column).removesuffix("_paper") for column in table if str(column).endswith("_paper")]
    for what, theirs, ours in (
        ("methods", methods, params.methods),
        ("seeds", seeds, params.seeds),
        ("tasks", shown, [*tasks, "overall"]),
    ):
        if {*theirs} != {*ours}:
            return f"the {what} {', '.join(map(str, theirs))}"
    return ""


def keep_current() -> None:
    """Copy the main figures and the curves to docs/runs/current, so that DVC shows them in a clone without a cache."""
    curves = results("curves")
    with atomic(CURRENT) as part:
        part.mkdir()
        write_json(part / "metrics.json", {"kept": read_record(results("tables") / "metrics.json")})
        for path in sorted(curves.glob("*/*/*/curve.csv")):
            (part / "curves" / path.relative_to(curves)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, part / "curves" / path.relative_to(curves))


def print_places() -> None:
    """Where what is here lies."""
    for place, what in PLACES.items():
        if Path(place).exists():
            print(f"  {place:20} {what}")


def seconds(methods: list[str], seeds: list[int]) -> str:
    """Training time of both phases of these methods together, the mean over seeds, or `-` where this folder has no time
    of one of them."""
    sums = [sum(both_phases(Run(method, seed)) for method in methods) for seed in seeds]
    known = [value for value in sums if math.isfinite(value)]
    return f"{sum(known) / len(known):.0f}" if known else "-"


def both_phases(run: Run) -> float:
    """Seconds of a run's trainings, rounded, so that a short one may take 0.0; NaN where its time is not here."""
    finetuning = timing.read("finetune", *run)
    return math.nan if finetuning is None else finetuning + (timing.read("pretrain", *run) or 0.0)


def shown(table: pd.DataFrame, figures: list[str]) -> str:
    """Table 1 for the terminal."""
    rows = [
        [row["label"], *(cell(row[figure], row[f"{figure}_paper"]) for figure in figures), str(row["seconds"])]
        for row in table.to_dict("records")
    ]
    align = ["left", *["right"] * (len(figures) + 1)]
    text: str = tabulate(rows, ["", *figures, "seconds"], tablefmt="plain", disable_numparse=True, colalign=align)
    return text


def cell(ours: float, paper: float) -> str:
    """`0.712 (0.724)`; both may be missing."""
    theirs = f"({paper:.3f})" if pd.notna(paper) else ""
    return f"{ours:.3f} {theirs:>7}" if pd.notna(ours) else f"- {theirs:>7}"
