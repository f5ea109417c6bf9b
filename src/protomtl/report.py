"""Step `report`: pages and pictures for people to look at, results/report; `make report` binds them into one file."""

import re
from html import escape
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from matplotlib.axes import Axes

from protomtl import drawing, verdicts
from protomtl.config import main_tasks
from protomtl.files import atomic, read_json
from protomtl.paths import EVALUATE, FINETUNE, PAGES, PREPARED, REPORT, TABLES, run_folder
from protomtl.schema import Export, Method, Task

WORST = 15  # errors of each task
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 1.2rem; color: #1c2733; max-width: 75rem }
h1 { font-size: 1.3rem } h2 { font-size: 1.05rem; margin-top: 1.6rem }
.wide { overflow-x: auto } table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: .3rem .7rem; border-bottom: 1px solid #d9dfe5; text-align: left; vertical-align: top }
th { background: #eef2f6; font-weight: 600 } p { max-width: 45rem }
"""

NOT_ASKED = "<p>The methods that would answer it are not among <code>methods</code> and <code>compare</code>.</p>"


def run(
    methods: list[str], seeds: list[int], method: dict[str, Method], tasks: dict[str, Task], export: Export
) -> None:
    """Write results/report: the answer, the tables, the data, the worst errors, the versions, confusion matrices."""
    tasks, labels = main_tasks(tasks), {name: method[name].label for name in methods}
    with atomic(PAGES) as part:
        part.mkdir()
        write(part, "answer", "Does prototypical pre-training help?", answer(labels))
        for name, split in (("table1", "dev"), ("table2", "test")):
            write(part, name, f"All methods on {split}", main_table(pd.read_csv(TABLES / f"{name}.csv"), [*tasks]))
        write(part, "comparisons", "Each method against the references", comparisons(labels))
        write(part, "data", "The data", data(read_json(REPORT / "report.json")))
        write(part, "errors", f"Worst errors: {labels[export.method]}, seed {export.seed}", errors(export, tasks))
        write(part, "versions", "What made it", versions(export))
        draw_confusions(labels, seeds, tasks, part)
    print(f"report: {', '.join(sorted(p.name for p in PAGES.iterdir()))}")


def write(folder: Path, name: str, title: str, body: str) -> None:
    """A page that needs nothing else."""
    head = f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(title)}</title>"
    head += f'<meta name=viewport content="width=device-width, initial-scale=1"><style>{STYLE}</style>'
    (folder / f"{name}.html").write_text(f"{head}<h1>{escape(title)}</h1>\n{body}\n", encoding="utf-8")


def html(table: pd.DataFrame) -> str:
    """A table that scrolls by itself on a narrow screen; texts are escaped."""
    return f'<div class="wide">{table.to_html(index=False, border=0, na_rep="", escape=True)}</div>'


def main_table(table: pd.DataFrame, tasks: list[str]) -> str:
    """One row a method: each figure with its interval, and the paper's value beside it."""
    if "overall_low" not in table or table["overall"].isna().all():
        return "<p>These data have no labels.</p>"
    rows = []
    for row in table.to_dict("records"):
        shown = {"method": row["label"]}
        for name in ("overall", *tasks):
            paper = row.get(f"{name}_paper")
            shown[name] = f"{row[name]:.3f} ({row[f'{name}_low']:.3f} to {row[f'{name}_high']:.3f})"
            shown[f"{name}, paper"] = "" if paper is None or np.isnan(paper) else f"{paper:.3f}"
        rows.append(shown)
    return html(pd.DataFrame(rows)) + "<p>In brackets: 95 % bootstrap interval over the examples.</p>"


def answer(labels: dict[str, str]) -> str:
    """The questions of docs/findings.md, asked of this run."""
    rows = pd.read_csv(TABLES / "comparisons.csv")
    parts = []
    for question, method, other in verdicts.QUESTIONS:
        split, known = verdicts.judged(rows, method, other)
        if known:
            pair = f"<i>{escape(labels[method])}</i> against <i>{escape(labels[other])}</i>, {split}"
            parts.append(f"<h2>{escape(question)}</h2><p>{pair}: {bold(verdicts.verdict(known))}</p>")
    return "".join(parts) or NOT_ASKED


def bold(text: str) -> str:
    """Markdown's **words** as HTML."""
    return re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", escape(text))


def comparisons(labels: dict[str, str]) -> str:
    """Every method minus each reference, with interval and p: results/tables/comparisons.csv by the methods' labels."""
    table = pd.read_csv(TABLES / "comparisons.csv")
    if not len(table):
        return "<p>No method stands beside one that <code>compare</code> names.</p>"
    table["95 % interval"] = [f"{a:+.3f} to {b:+.3f}" for a, b in zip(table["low"], table["high"], strict=True)]
    table["difference"] = table["difference"].map("{:+.3f}".format)
    table["method"], table["reference"] = table["method"].map(labels), table["reference"].map(labels)
    table = table.rename(columns={"p_holm": "p, Holm"})
    return html(table[["split", "method", "reference", "figure", "difference", "95 % interval", "p", "p, Holm"]])


def data(report: dict[str, Any]) -> str:
    """Rows, labels and lengths of each split, and the texts that splits share."""
    rows = []
    for task, splits in report["splits"].items():
        for split, found in splits.items():
            labels = ", ".join(f"{label}: {count}" for label, count in found["labels"].items())
            words = found["words"]
            row = {"task": task, "split": split, "rows": found["rows"], "labels": labels, "repeated": found["repeats"]}
            rows.append(row | {"words, mean": words["mean"], "95 %": words["p95"], "longest": words["max"]})
    shared = pd.DataFrame([{"splits": name, "texts": count} for name, count in report["shared_texts"].items()])
    return html(pd.DataFrame(rows)) + "<h2>Texts that two splits share</h2>" + html(shared)


def errors(export: Export, tasks: dict[str, Task]) -> str:
    """The dev examples that are furthest from right, with their texts."""
    parts = []
    for name, task in tasks.items():
        rows = pd.read_csv(run_folder(EVALUATE, export.method, export.seed) / "dev" / f"{name}.csv", dtype={"id": str})
        if rows["gold"].isna().any():
            continue
        texts = pq.read_table(PREPARED / name / "dev.parquet").to_pandas()[["text_a", "text_b"][: len(task.texts)]]
        if task.kind == "regression":
            distance = (rows["prediction"] - rows["gold"]).abs()
        else:
            scores = rows.filter(regex=r"^score_\d+$").to_numpy()
            distance = pd.Series(1 - scores[np.arange(len(rows)), rows["gold"].astype(int)])
        worst = distance.sort_values(ascending=False, kind="stable").index[:WORST]
        shown = pd.concat([rows.loc[worst, ["gold", "prediction"]], texts.loc[worst]], axis=1)
        parts.append(
            f"<h2>{escape(name)}</h2>" + html(shown.rename(columns={"text_a": "text", "text_b": "second text"}))
        )
    return "".join(parts) or "<p>Dev has no labels.</p>"


def versions(export: Export) -> str:
    """Libraries and the whole configuration of the exported run."""
    folder = run_folder(FINETUNE, export.method, export.seed)
    libraries, record = read_json(folder / "versions.json"), read_json(folder / "config.json")
    settings = pd.json_normalize(record).T.reset_index().astype(str)
    settings.columns = pd.Index(["setting", "value"])
    rows = pd.DataFrame(sorted(libraries.items()), columns=["library", "version"])
    return html(rows) + "<h2>The configuration of the exported run</h2>" + html(settings)


def draw_confusions(labels: dict[str, str], seeds: list[int], tasks: dict[str, Task], folder: Path) -> None:
    """A picture for each task with classes: a matrix a method, the shares of each gold class, all seeds together."""
    for name, task in tasks.items():
        paths = {m: [run_folder(EVALUATE, m, s) / "dev" / f"{name}-confusion.csv" for s in seeds] for m in labels}
        if task.kind == "regression" or not all(p.exists() for several in paths.values() for p in several):
            continue
        columns = min(4, len(labels))
        rows = -(-len(labels) // columns)
        figure, axes = plt.subplots(rows, columns, figsize=(2.6 * columns, 2.7 * rows), squeeze=False)
        for panel in axes.flat[len(labels) :]:
            panel.axis("off")
        for panel, (method, label) in zip(axes.flat, labels.items(), strict=False):
            counts = sum(pd.read_csv(path, index_col="gold").to_numpy() for path in paths[method])
            draw_confusion(panel, np.asarray(counts, dtype=float), label)
        figure.suptitle(f"{name}, dev: shares of each gold class")
        drawing.save(figure, folder, f"confusion-{name}")


def draw_confusion(panel: Axes, counts: np.ndarray, title: str) -> None:
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    panel.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), share in np.ndenumerate(shares):
        colour = "white" if share > 0.6 else "black"
        panel.text(column, row, f"{share:.2f}", ha="center", va="center", fontsize=7, color=colour)
    panel.set(title=title, xticks=range(len(counts)), yticks=range(len(counts)), xlabel="predicted", ylabel="gold")
    panel.title.set_fontsize(7)
