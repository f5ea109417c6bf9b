"""Step `prepare`: data/prepared has one checked table per task and split; results/prepare has the report."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from protomtl import starter
from protomtl.config import SPLITS, Data, Task
from protomtl.files import atomic, write_json
from protomtl.paths import PREPARED, RAW, REPORT
from protomtl.readers import BadRow, Row, read_table

Splits = dict[str, dict[str, list[Row]]]  # task -> split -> rows


def run(data: Data, tasks: dict[str, Task]) -> None:
    """Read data/raw, check every row, split, write the tables and the report."""
    bad: list[str] = []
    left_out: dict[str, int] = {}
    if data.source == "starter":
        splits = read_starter(data, tasks, bad, left_out)
    else:
        splits = {name: read_files(task, data, bad) for name, task in tasks.items()}
    if data.max_train_rows:
        for task in splits.values():
            task["train"] = task["train"][: data.max_train_rows]
    with atomic(PREPARED) as part:
        for name, task in splits.items():
            for split, rows in task.items():
                if not rows:
                    raise SystemExit(f"tasks.{name}: the {split} split has no row left")
                write_table(part / name / f"{split}.parquet", rows)
    report = describe(splits, tasks) | {"source": data.source, "dropped": bad, "left_out": left_out}
    with atomic(REPORT) as part:
        part.mkdir()
        write_json(part / "report.json", report)
        (part / "report.md").write_text(as_markdown(report), encoding="utf-8")
    print(as_markdown(report))


def good_rows(rows: Iterable[Row | BadRow], data: Data, bad: list[str]) -> list[Row]:
    """The good rows; the first bad one ends the step, or each is noted in `bad` if `data.on_bad_row: drop`."""
    good: list[Row] = []
    for row in rows:
        if isinstance(row, Row):
            good.append(row)
        elif data.on_bad_row == "drop":
            bad.append(str(row))
        else:
            raise SystemExit(f"{row}\n(set data.on_bad_row: drop to leave such rows out and count them)")
    return good


def read_starter(data: Data, tasks: dict[str, Task], bad: list[str], left_out: dict[str, int]) -> Splits:
    found: dict[str, list[Row | BadRow]] = {name: [] for name in tasks}
    for name, row in starter.read(RAW, tasks, left_out):
        found.setdefault(name, []).append(row)
    return {name: starter.split_rows(good_rows(found[name], data, bad), data.split_seed) for name in tasks}


def read_files(task: Task, data: Data, bad: list[str]) -> dict[str, list[Row]]:
    splits = {}
    for split in SPLITS:
        path = RAW / getattr(task.files, split)
        try:
            splits[split] = good_rows(read_table(path, task, labelled=split != "test"), data, bad)
        except (BadRow, FileNotFoundError) as error:  # a missing column is wrong for every row: nothing to drop
            raise SystemExit(str(error)) from None
    return splits


def write_table(path: Path, rows: list[Row]) -> None:
    """One split as Parquet: id, text_a, text_b (null for single texts), label (null without labels)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table(
        {
            "id": pa.array([r.id for r in rows], pa.string()),
            "text_a": pa.array([r.texts[0] for r in rows], pa.string()),
            "text_b": pa.array([r.texts[1] if len(r.texts) == 2 else None for r in rows], pa.string()),
            "label": pa.array([r.label for r in rows], pa.float64()),
        }
    )
    pq.write_table(table, path)


def describe(splits: Splits, tasks: dict[str, Task]) -> dict[str, Any]:
    """Rows, label histogram and lengths of each split, and the texts that splits of a task share."""
    report: dict[str, Any] = {"splits": {}, "shared_texts": {}}
    for name, task in splits.items():
        report["splits"][name] = {split: describe_split(rows, tasks[name]) for split, rows in task.items()}
        texts = {split: {starter.normalised(t) for r in rows for t in r.texts} for split, rows in task.items()}
        for a, b in (("train", "dev"), ("train", "test"), ("dev", "test")):
            report["shared_texts"][f"{name}: {a} and {b}"] = len(texts[a] & texts[b])
    return report


def describe_split(rows: list[Row], task: Task) -> dict[str, Any]:
    labels = [r.label for r in rows if r.label is not None]
    if task.kind == "regression":  # unit bins; the largest label belongs to the last one
        counts = Counter(min(int(np.floor(v)), int(np.ceil(task.bounds[1])) - 1) for v in labels)
    else:
        counts = Counter(int(v) for v in labels)
    words = np.array([sum(len(t.split()) for t in r.texts) for r in rows])
    return {
        "rows": len(rows),
        "labels": {str(k): counts[k] for k in sorted(counts)},
        "words": {"mean": round(float(words.mean()), 1), "p95": int(np.percentile(words, 95)), "max": int(words.max())},
        "repeats": len(rows) - len({tuple(map(starter.normalised, r.texts)) for r in rows}),
    }


def as_markdown(report: dict[str, Any]) -> str:
    """The report for people."""
    lines = [
        f"# Data report: {report['source']}",
        "",
        "| task | split | rows | labels (regression: unit bins) | words mean / 95 % / max | repeated rows |",
        "|---|---|---|---|---|---|",
    ]
    for task, splits in report["splits"].items():
        for split, s in splits.items():
            labels = ", ".join(f"{k}: {v}" for k, v in s["labels"].items()) or "no labels"
            words = f"{s['words']['mean']} / {s['words']['p95']} / {s['words']['max']}"
            lines.append(f"| {task} | {split} | {s['rows']} | {labels} | {words} | {s['repeats']} |")
    lines += ["", "Texts shared between splits (case and white space aside):", ""]
    lines += [f"- {pair}: {count}" for pair, count in report["shared_texts"].items()]
    for task, count in report["left_out"].items():
        lines += ["", f"Left out on purpose: {count} pairs of {task} (score between 3 and 4)."]
    lines += ["", f"Dropped as malformed: {len(report['dropped'])} rows."]
    lines += [f"- {problem}" for problem in report["dropped"][:50]]
    return "\n".join(lines) + "\n"
