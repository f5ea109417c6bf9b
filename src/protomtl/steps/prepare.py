"""Step `prepare`: data/prepared has one checked table per task and split; results/prepare has the report."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from protomtl.core.files import atomic, write_json
from protomtl.core.markdown import markdown_table, plain
from protomtl.core.paths import PREPARED, RAW, TREES, results
from protomtl.core.settings import HELD_OUT, SPLITS, Data
from protomtl.data import trees
from protomtl.data.readers import BadRow, Row, read_table
from protomtl.data.split_profile import SplitProfile, bare, check_auxiliary, check_held_out, described, shared
from protomtl.data.worsened import worsened
from protomtl.tasks.settings import Task

BATCH = 8192  # rows that are held at a time, however many there are
SCHEMA = pa.schema([("id", pa.string()), ("text_a", pa.string()), ("text_b", pa.string()), ("label", pa.float64())])
Splits = dict[str, dict[str, Iterable[Row]]]  # task -> split -> rows


def run(data: Data, tasks: dict[str, Task]) -> None:
    """Read data/raw, check every row, split, write the tables and the report."""
    bad: list[str] = []
    left_out: dict[str, int] = {}
    phrases: dict[str, dict[str, int]] = {}
    splits: Splits
    if data.source == "starter":
        splits = read_starter(data, tasks, bad, left_out)
    else:
        splits = {name: read_files(name, task, data, bad, phrases) for name, task in tasks.items()}
    report: dict[str, Any] = {"splits": {}, "shared_texts": {}, "source": data.source}
    auxiliary = any(task.auxiliary for task in tasks.values())
    kept: dict[str, dict[str, SplitProfile]] = {}  # only where it is needed: some bytes for each row
    with atomic(PREPARED) as part:
        for name, rows in splits.items():
            found = write_task(part / name, name, rows, tasks[name], data, report)
            check_held_out(name, found)
            kept |= {name: found} if auxiliary else {}
            report["splits"][name] = {split: described(profile) for split, profile in found.items()}
            report["shared_texts"] |= dict(shared(name, found))
        check_auxiliary(kept, tasks)
    report |= {"dropped": bad, "left_out": left_out} | ({"phrases": phrases} if phrases else {})
    with atomic(results("prepare")) as part:
        part.mkdir()
        write_json(part / "report.json", report)
        (part / "report.md").write_text(as_markdown(report, tasks), encoding="utf-8")
    print(as_markdown(report, tasks))


def write_task(
    folder: Path, name: str, splits: Mapping[str, Iterable[Row]], task: Task, data: Data, report: dict[str, Any]
) -> dict[str, SplitProfile]:
    """The tables of one task, with the training rows that `data` asks for; what the report says of each split."""
    found: dict[str, SplitProfile] = {}
    for split, rows in splits.items():
        used = islice(rows, data.max_train_rows) if split == "train" and data.max_train_rows else rows
        if split == "train" and data.worsened.active:
            used, done = worsened(name, task, list(used), data.worsened)
            report.setdefault("worsened", {})[name] = done
        found[split] = write_table(folder / f"{split}.parquet", used, task)
        if not found[split].rows:
            raise SystemExit(f"tasks.{name}: the {split} split has no row left")
        print(f"prepare {name} {split}: {found[split].rows} rows", flush=True)
    return found


def good_rows(rows: Iterable[Row | BadRow], data: Data, bad: list[str]) -> Iterator[Row]:
    """The good rows; the first bad one ends the step, or each is noted in `bad` if `data.on_bad_row: drop`."""
    for row in rows:
        if isinstance(row, Row):
            yield row
        elif data.on_bad_row == "drop":
            bad.append(str(row))
        else:
            raise SystemExit(f"{row}\n(set data.on_bad_row: drop to leave such rows out and count them)")


def read_starter(data: Data, tasks: dict[str, Task], bad: list[str], left_out: dict[str, int]) -> Splits:
    from protomtl.data import starter  # heavy

    found: dict[str, list[Row | BadRow]] = {name: [] for name in tasks}
    for name, row in starter.read(RAW, tasks, left_out):
        found.setdefault(name, []).append(row)
    return {n: dict(starter.split_rows(list(good_rows(found[n], data, bad)), data.split_seed)) for n in tasks}


def read_files(
    name: str, task: Task, data: Data, bad: list[str], phrases: dict[str, dict[str, int]]
) -> dict[str, Iterable[Row]]:
    """The rows of each split; of training trees all phrases but those that are dev or test rows (`phrases`: counts)."""
    found: dict[str, Iterable[Row]] = {split: table(task, split, data, bad) for split in SPLITS}
    if task.files.train == TREES:
        if task.pair:
            raise SystemExit(f"params.yaml: tasks.{name}.texts: {TREES} has no pairs; name one column")
        held_out = {bare(text) for split in HELD_OUT for row in table(task, split, data, []) for text in row.texts}
        told = phrases.setdefault(name, {})
        found["train"] = good_or_exit(trees.read(RAW / TREES, task, held_out, told), data, bad)
    return found


def table(task: Task, split: str, data: Data, bad: list[str]) -> Iterator[Row]:
    return good_or_exit(read_table(RAW / getattr(task.files, split), task, labelled=split != "test"), data, bad)


def good_or_exit(rows: Iterable[Row | BadRow], data: Data, bad: list[str]) -> Iterator[Row]:
    try:
        yield from good_rows(rows, data, bad)
    except (BadRow, FileNotFoundError) as error:  # a missing column is wrong for every row: nothing to drop
        raise SystemExit(str(error)) from None


def write_table(path: Path, rows: Iterable[Row], task: Task) -> SplitProfile:
    """One split as Parquet: id, text_a, text_b (null for single texts), label (null without labels)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    summary, source = SplitProfile(task), iter(rows)
    with pq.ParquetWriter(path, SCHEMA) as writer:
        while batch := list(islice(source, BATCH)):
            summary.add(batch)
            columns = [
                [row.id for row in batch],
                [row.texts[0] for row in batch],
                [row.texts[1] if len(row.texts) == 2 else None for row in batch],
                [row.label for row in batch],
            ]
            writer.write_table(pa.table(columns, schema=SCHEMA))
    return summary


def as_markdown(report: dict[str, Any], tasks: dict[str, Task]) -> str:
    """The report for people."""
    head = [
        "task",
        "split",
        "rows",
        "labels (of values: parts of the range)",
        "words mean / 95 % / max",
        "repeated rows",
    ]
    rows = []
    for task, splits in report["splits"].items():
        for split, s in splits.items():
            labels = plain(tasks[task].histogram(s["labels"])) or "no labels"
            words = f"{s['words']['mean']} / {s['words']['p95']} / {s['words']['max']}"
            rows.append([task, split, str(s["rows"]), labels, words, str(s["repeats"])])
    lines = [f"# Data report: {report['source']}", "", markdown_table(head, rows), ""]
    lines += ["Texts shared between splits (case and white space aside):", ""]
    lines += [f"- {pair}: {count}" for pair, count in report["shared_texts"].items()]
    for task, done in report.get("worsened", {}).items():
        what = f"{done['rows']} of {done['of']} training rows, {done['wrong_labels']} with a wrong label"
        lines += ["", f"Made worse on purpose: {task} has {what}."]
    for task, count in report.get("phrases", {}).items():
        lines += ["", f"Phrases: {task} has {count['phrases']} different ones of {count['trees']} trees."]
        lines += [f"- left out: {count['without_words']} without a word, {count['held_out']} that are dev or test rows"]
        lines += [f"- {count['several_labels']} have several labels; the most frequent one counts"]
    for task, count in report["left_out"].items():
        lines += ["", f"Left out on purpose: {count} pairs of {task} (score between 3 and 4)."]
    lines += ["", f"Dropped as malformed: {len(report['dropped'])} rows."]
    lines += [f"- {problem}" for problem in report["dropped"][:50]]
    return "\n".join(lines) + "\n"
