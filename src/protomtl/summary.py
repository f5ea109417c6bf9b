"""What a finished run has to say beside its outputs: the table with times, and Figure 2.

Neither can be the output of a stage: seconds differ between equal runs, and DVC takes no dvc.yaml, from
which the figure is drawn, as a dependency.
"""

import csv
from pathlib import Path

from protomtl import config, timing
from protomtl.files import atomic, write_csv
from protomtl.paths import SUMMARY, TABLES
from protomtl.pipeline import draw_pipeline

GRAPH = Path("dvc.yaml")
PLACES = {
    "results/tables/": "Tables 1 and 2 (CSV, Markdown) and metrics.json",
    "results/embed/": "Figure 1: t-SNE before and after pre-training, with silhouette scores",
    "results/figures/": "training curves and Table 1 as bars (PNG, SVG)",
    "results/summary/": "this table with seconds, and Figure 2: the pipeline",
    "results/evaluate/": "predictions, confusion matrices and metrics of each method",
    "results/finetune/": "trained encoders (Hugging Face folders), heads, resolved configuration",
    "results/prepare/": "the report on the data",
}


def show() -> None:
    """Print the summary; write results/summary: Table 1 with the seconds of both phases, and Figure 2.

    Seconds come from this folder's own runs; a result that DVC restored has none.
    """
    params = config.load()
    with (TABLES / "table1.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["seconds"] = seconds(row["method"], params.seeds)
    with atomic(SUMMARY) as part:
        part.mkdir()
        write_csv(part / "table1.csv", rows)
        draw_pipeline(GRAPH, len(params.methods), len(params.seeds), part)
    figures = [*params.tasks, "overall"]
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
