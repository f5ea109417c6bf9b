"""Step `tables`: Tables 1 (dev) and 2 (test), our values beside the paper's, one row a method; comparisons."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from protomtl import comparisons, config, statistics
from protomtl.card import NOTES
from protomtl.config import main_tasks
from protomtl.files import atomic, read_json, write_json
from protomtl.leftovers import remove_leftovers
from protomtl.paths import EVALUATE, FINETUNE, TABLES, run_folder
from protomtl.schema import Backbone, Data, Method, Task

PAPER = Path(__file__).with_name("paper.csv")
TITLES = {"table1": ("dev", "Table 1: dev"), "table2": ("test", "Table 2: test")}


def run(
    methods: list[str],
    seeds: list[int],
    compare: list[str],
    method: dict[str, Method],
    tasks: dict[str, Task],
    data: Data,
    backbone: Backbone,
) -> None:
    """Write results/tables: each table and the comparisons, as CSV and Markdown, and the main figures on dev.

    metrics.json has those of the best method, few enough for the columns of `dvc exp show`; methods.json has all.
    """
    config.check_blocks(f"{config.PARAMS}: compare", compare, method)
    remove_leftovers(methods, seeds)
    tasks = main_tasks(tasks)
    about = {"backbone": backbone.name, "data": data.source}
    references = [reference for reference in compare if reference in methods]
    compared = []
    with atomic(TABLES) as part:
        part.mkdir()
        for name, (split, title) in TITLES.items():
            runs = read_runs(methods, seeds, split)
            resampled = comparisons.resampled_figures(methods, seeds, tasks, split)
            table = build(runs, resampled, method, list(tasks), split, about)
            write(table, markdown(table, list(tasks), title), part / name)
            compared += comparisons.compare(runs, resampled, references, split)
        text = comparisons.markdown(compared, method, list(tasks), seeds)
        write(pd.DataFrame(compared, columns=comparisons.COLUMNS), text, part / "comparisons")
        write_main_figures(read_runs(methods, seeds, "dev"), list(tasks), part)


def write(table: pd.DataFrame, text: str, path: Path) -> None:
    """Write a table to PATH.csv, and to read to PATH.md and the terminal."""
    table.to_csv(path.with_suffix(".csv"), index=False, lineterminator="\n")
    path.with_suffix(".md").write_text(text, encoding="utf-8")
    print(text)


def read_runs(methods: list[str], seeds: list[int], split: str) -> dict[str, pd.DataFrame]:
    """Method -> its figures: a row a seed, a column each (none without labels)."""
    return {m: pd.DataFrame([metrics_of(m, seed, split) for seed in seeds], index=seeds) for m in methods}


def metrics_of(method: str, seed: int, split: str) -> dict[str, float]:
    found: dict[str, float] = read_json(run_folder(EVALUATE, method, seed) / "metrics.json")[split]
    return found


def write_main_figures(runs: dict[str, pd.DataFrame], tasks: list[str], folder: Path) -> None:
    """The mean over seeds of overall and of each task: all methods', and the best one's."""
    names = ("overall", *tasks)
    figures = {m: {name: round(float(run[name].mean()), 4) for name in names} for m, run in runs.items()}
    best = max(figures, key=lambda m: figures[m]["overall"])
    write_json(folder / "metrics.json", {"best": best, **figures[best]})
    write_json(folder / "methods.json", figures)


def build(
    runs: dict[str, pd.DataFrame],
    resampled: comparisons.Resampled,
    blocks: dict[str, Method],
    tasks: list[str],
    split: str,
    about: dict[str, str],
) -> pd.DataFrame:
    """One row a method: for each figure our mean over seeds and what belongs to it (`columns`).

    runs: the figures of each method, a row a seed; resampled: the same figures on resampled examples.
    """
    paper = pd.read_csv(PAPER).set_index(["method", "split"])
    intervals = {figure: statistics.interval(values.mean(2)) for figure, values in resampled.items()}
    rows = []
    for place, (name, run) in enumerate(runs.items()):
        records = [read_json(run_folder(FINETUNE, name, seed) / "config.json") for seed in run.index]
        row: dict[str, Any] = {"method": name, "label": blocks[name].label, "source": blocks[name].source}
        for figure in (*tasks, "overall"):
            theirs = paper[figure].get((name, split)) if figure in paper else None
            row |= columns(figure, run.get(figure), intervals[figure][:, place] if figure in run else None, theirs)
        row |= {c: round(run[c].mean(), 4) for c in map(str, run) if c.endswith(("_spearman", "_nearest"))}
        row |= {
            "epochs": records[0]["finetune"]["epochs"],
            "steps": records[0]["steps"],
            "best_epoch": ", ".join(str(r["best_epoch"]) for r in records),
            "seeds": ", ".join(map(str, run.index)),
            **about,
        }
        rows.append(row)
    return pd.DataFrame(rows)


def columns(figure: str, ours: pd.Series | None, interval: np.ndarray | None, theirs: float | None) -> dict[str, Any]:
    """Mean and standard deviation over seeds, 95 % interval over examples, the paper's value, the difference."""
    low, high = (None, None) if interval is None else interval.round(4)
    mean = None if ours is None else ours.mean()
    return {
        figure: None if mean is None else round(mean, 4),
        f"{figure}_sd": None if ours is None or len(ours) == 1 else round(ours.std(ddof=1), 4),
        f"{figure}_low": low,
        f"{figure}_high": high,
        f"{figure}_paper": theirs,
        f"{figure}_difference": None if mean is None or theirs is None else round(mean - theirs, 4),
    }


def markdown(table: pd.DataFrame, tasks: list[str], title: str) -> str:
    """A table to read: `ours (paper, difference)`; classes as accuracy, regression as Pearson correlation."""
    figures = [*tasks, "overall"]
    timed = ["seconds"] if "seconds" in table else []  # in the summary: no stage may write times
    classes = [name for name in tasks if f"{name}_nearest" in table]
    nearest = [f"nearest prototype ({', '.join(classes)})"] if classes else []
    head = ["method", *figures, "95 % interval", *nearest, "epochs (best)", "steps", "seeds", *timed]
    lines = [f"## {title}", "", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row in table.to_dict("records"):
        cells = [str(row["label"]), *(cell(row, figure) for figure in figures), span(row)]
        cells += [
            *nearest_cell(row, classes),
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
        "± is the deviation over seeds; the interval is of overall, under a bootstrap of the examples of each task.",
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


def span(row: dict[Any, Any]) -> str:
    """`0.693 to 0.731`, the interval of overall; `-` without labels."""
    return "-" if pd.isna(row["overall_low"]) else f"{row['overall_low']:.3f} to {row['overall_high']:.3f}"


def nearest_cell(row: dict[Any, Any], classes: list[str]) -> list[str]:
    """[`0.587, 0.702`]: accuracy of each of these tasks by nearest prototype; no cell without tasks."""
    return [", ".join(f"{row[f'{name}_nearest']:.3f}" for name in classes)] if classes else []
