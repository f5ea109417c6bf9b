"""What a finished run has to say beside its outputs: the tables with times, and Figure 2.

Neither can be the output of a stage: seconds differ between equal runs, and DVC takes no dvc.yaml, from
which the figure is drawn, as a dependency.
"""

import csv
from pathlib import Path

import pandas as pd

from protomtl import config, timing
from protomtl.files import atomic
from protomtl.paths import SUMMARY, TABLES
from protomtl.pipeline import draw_pipeline
from protomtl.tables import TITLES, markdown

GRAPH = Path("dvc.yaml")
PLACES = {
    "results/tables/": "Tables 1 and 2, comparisons of methods (CSV, Markdown); main figures on dev as JSON",
    "results/ensemble/": "all runs together, weighted on dev: figures, weights, predictions",
    "results/embed/": "Figure 1: t-SNE and UMAP before and after pre-training; how far the classes are apart",
    "results/figures/": "training curves and Table 1 as bars (PNG, SVG)",
    "results/summary/": "Tables 1 and 2 with seconds (CSV, Markdown), and Figure 2: the pipeline",
    "results/evaluate/": "predictions, confusion matrices and metrics of each method",
    "results/finetune/": "trained encoders (Hugging Face folders), heads, resolved configuration",
    "results/prepare/": "the report on the data",
}


def show() -> None:
    """Print the summary; write results/summary: Tables 1 and 2 with the seconds of both phases, and Figure 2.

    Seconds come from this folder's own runs; a result that DVC restored has none. A run that was asked for less than
    the tables has nothing to sum up yet.
    """
    if not TABLES.exists():
        print(f"{TABLES}: not there yet; `snakemake --cores 4 all` makes them")
        return
    params = config.load()
    main = list(config.main_tasks(params.tasks))
    with atomic(SUMMARY) as part:
        part.mkdir()
        for name, (_, title) in TITLES.items():
            table = pd.read_csv(TABLES / f"{name}.csv")
            table["seconds"] = [seconds(method, params.seeds) for method in table["method"]]
            table.to_csv(part / f"{name}.csv", index=False, lineterminator="\n")
            (part / f"{name}.md").write_text(markdown(table, main, title), encoding="utf-8")
        draw_pipeline(GRAPH, len(params.methods), len(params.seeds), part)
    with (SUMMARY / "table1.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    figures = [*main, "overall"]
    width = max(len(row["label"]) for row in rows)
    print(f"\nDev, {params.data.source} data, {params.backbone.name}, seeds {params.seeds}; (paper's value)\n")
    print(f"{'':{width}}" + "".join(f"{name:>17}" for name in figures) + "  seconds")
    for row in rows:
        cells = "".join(f"{number(row[f]):>8} {paper(row[f + '_paper']):>8}" for f in figures)
        print(f"{row['label']:{width}}{cells}{row['seconds']:>9}")
    print()
    for place, what in PLACES.items():
        print(f"  {place:20} {what}")


def seconds(method: str, seeds: list[int]) -> str:
    """Training time of both phases, the mean over seeds, or `-` where this folder has no time of a run."""
    found = [timing.read("finetune", method, seed) for seed in seeds]
    before = [timing.read("pretrain", method, seed) or 0.0 for seed in seeds]
    known = [f + b for f, b in zip(found, before, strict=True) if f is not None]
    return f"{sum(known) / len(known):.0f}" if known else "-"


def number(text: str) -> str:
    return f"{float(text):.3f}" if text else "-"


def paper(text: str) -> str:
    return f"({float(text):.3f})" if text else ""
