"""What `protomtl init` shows before it writes: the tasks, and some rows of each as step `prepare` will read them."""

import io
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from protomtl.core.settings import SPLITS
from protomtl.data import split_profile
from protomtl.data.readers import BadRow, Row
from protomtl.own_data import columns, files, writing
from protomtl.tasks.settings import Task

SHOWN, WIDE, LINE = 3, 56, 500  # rows of a preview, characters of a text and of a line of the block
LONG = 0.75  # words that a token is, about


def preview(folder: Path, tasks: Mapping[str, dict[str, Any]], longest: int) -> str:
    """The tasks and some rows of each. longest: tokens of one sequence. BadRow for a missing column."""
    lines = []
    for name, block in tasks.items():
        task = Task.model_validate(block)
        lines += ["", f"Task {name}:", *(f"  {cut(line, LINE)}" for line in as_yaml(block).splitlines())]
        for split in SPLITS:
            rows = [*files.rows_read(folder, task, split)]
            lines += [f"  {line}".replace(f"{folder}/", "", 1) for line in shown(task, rows, split, longest)]
    return "\n".join(lines[1:])


def shown(task: Task, rows: Sequence[Row | BadRow], split: str, longest: int) -> list[str]:
    """What a split holds: labels, some rows, what cannot be read."""
    good, bad = [r for r in rows if isinstance(r, Row)], [r for r in rows if isinstance(r, BadRow)]
    lines = [f"{split}: {len(good)} rows ({counted(task, [r.label for r in good if r.label is not None])})"]
    for row in good[:SHOWN]:
        label = "?" if row.label is None else task.shown(row.label)
        lines.append(f"  {' | '.join(cut(text) for text in row.texts)} → {label}")
    if split == "train" and (unseen := without(task, good)):
        lines.append(f"  no row here has {cut(', '.join(unseen), LINE)}: nothing learns what it is")
    cutting = sum(sum(map(columns.words_of, row.texts)) > longest * LONG for row in good)
    if cutting:
        lines.append(f"  longer than tokens.max_length: {longest}, and cut: about {cutting}")
    if bad:
        lines.append(f"  rows that cannot be used: {len(bad)}, the first: {bad[0]}")
        lines.append(
            "  with data.on_bad_row: drop such rows are left out and counted; else the first stops the pipeline"
        )
    return lines


def without(task: Task, rows: Sequence[Row]) -> list[str]:
    """The classes of a task that no row has."""
    if not task.what.has_classes:
        return []
    found = {k for row in rows if row.label is not None for k in task.what.bins(task, row.label)}
    return [str(name) for k, name in enumerate(task.class_names) if k not in found]


def counted(task: Task, labels: Sequence[float]) -> str:
    """How often each class occurs, or how many values lie in each part of the range."""
    if not labels:
        return "no labels"
    if not task.what.has_classes:
        return task.histogram(split_profile.in_parts(labels, *task.bounds))
    found = Counter(k for label in labels for k in task.what.bins(task, label))
    counts = task.histogram({str(k): found[k] for k in sorted(found)})
    return counts if len(counts) < 200 else f"{len(found)} different labels"


def cut(text: str, width: int = WIDE) -> str:
    text = " ".join(text.split())
    return text if len(text) <= width else f"{text[: width - 1]}…"


def as_yaml(block: Mapping[str, Any]) -> str:
    """A block as it will stand in params.yaml."""
    stream = io.StringIO()
    writing.round_trip().dump(writing.styled(block), stream)
    return stream.getvalue()
