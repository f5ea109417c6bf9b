"""How far an exported model can be trusted: its temperatures, what is none of its texts, and its training examples."""

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import torch

from protomtl import calibration, novelty
from protomtl.core.files import write_json
from protomtl.core.paths import EXAMPLE_VECTORS, EXAMPLES, PREPARED, TOKENS
from protomtl.model.encoder import evaluating
from protomtl.model.heads import attribute
from protomtl.model.multitask import MultiTaskModel
from protomtl.model.sequences import TokenTable
from protomtl.seeds import some_rows
from protomtl.steps.export import tensors
from protomtl.tasks.settings import Task

ROWS, OTHERS = 1000, 300  # of a split of a task; of each other task, whose texts are none of its own
HALVES = ("dev", "test")  # fitted on the one, told of the other

Rows = tuple[np.ndarray, np.ndarray, np.ndarray]  # outputs of the head [n, outputs], vectors [n, width], labels [n]


def trust(model: MultiTaskModel, tasks: Mapping[str, Task], prototypes: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """Of each task what `calibrated` and `noticed` find."""
    found: dict[str, Any] = {}
    for name, task in tasks.items():
        tables = {split: TokenTable.open(TOKENS, name, split) for split in HALVES}
        own = {split: sampled(model, table, ROWS, seed) for split, table in tables.items()}
        others = {split: strangers(model, tasks, name, split, seed) for split in HALVES}
        found[name] = calibrated(task, own) | noticed(task, own, others, prototypes[name].numpy())
    return found


def calibrated(task: Task, rows: Mapping[str, Rows]) -> dict[str, Any]:
    """The temperature of the logits that is likeliest on dev, and likelihood and calibration error without and with it
    on test, or on dev where test has no labels. Nothing for values, and without labels."""
    labelled = {split: found for split, found in rows.items() if not np.isnan(found[2]).any()}
    if not task.what.has_classes or "dev" not in labelled:
        return {}
    temperature = round(calibration.fit_temperature(*logits_and_targets(task, labelled["dev"])), 6)
    judged = "test" if "test" in labelled else "dev"
    logits, targets = logits_and_targets(task, labelled[judged])
    before, after = (calibration.softened(logits, t, not task.what.one_class) for t in (1.0, temperature))
    figures = {
        name: [round(figure(likely, targets), 6) for likely in (before, after)]
        for name, figure in (("nll", calibration.nll), ("ece", calibration.ece))
    }
    return {"temperature": temperature, "judged": judged, "rows": len(targets), **figures}


def logits_and_targets(task: Task, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    """[n, classes], and the classes [n], or [n, classes] where a row may have several."""
    return task.what.class_logits(rows[0]), task.what.targets(task, rows[2])


def noticed(
    task: Task, own: Mapping[str, Rows], others: Mapping[str, Rows | None], prototypes: np.ndarray
) -> dict[str, Any]:
    """The score by which dev rows of other tasks are best told from the task's own, its threshold, and how well it
    tells those of test: AUROC. Without other texts it is the distance, and there is no AUROC."""
    ways = ["energy", "distance"] if task.what.has_classes else ["distance"]
    kept, apart = {}, {}
    for way in ways:
        said = {split: strangeness(way, task, rows, prototypes) for split, rows in own.items()}
        kept[way] = math.ceil(novelty.threshold(said["dev"]) * 1e6) / 1e6  # not below what it lets through
        apart[way] = {
            split: calibration.auroc(
                np.concatenate([said[split], strangeness(way, task, rows, prototypes)]),
                np.arange(len(said[split]) + len(rows[2])) >= len(said[split]),
            )
            for split, rows in others.items()
            if rows is not None
        }
    best = max(ways, key=lambda way: apart[way]["dev"]) if "dev" in apart[ways[0]] else "distance"
    found = apart[best].get("test", math.nan)
    auroc = round(found, 6) if math.isfinite(found) else None
    return {"novelty": {"score": best, "threshold": kept[best], "auroc": auroc}}


def strangeness(way: str, task: Task, rows: Rows, prototypes: np.ndarray) -> np.ndarray:
    if way == "energy":
        return novelty.energy(task.what.class_logits(rows[0]), not task.what.one_class)
    return novelty.distance(rows[1], prototypes)


def sampled(model: MultiTaskModel, table: TokenTable, most: int, seed: int) -> Rows:
    """Random rows of a table through encoder and head."""
    rows = some_rows(len(table), most, seed, "trust", table.task, table.split)
    parts = model.embed(table, rows)
    with evaluating(model):
        outputs = model.heads[attribute(table.task)](*parts).cpu().numpy()
    return outputs, torch.stack(parts).sum(0).cpu().numpy(), np.array(table.labels[rows])


def strangers(model: MultiTaskModel, tasks: Mapping[str, Task], name: str, split: str, seed: int) -> Rows | None:
    """Texts of the other tasks as if they were the task's: of a pair the first text, and of single texts a pair is
    each with the one behind it. None without another task that has texts of its own."""
    tables = (TokenTable.open(TOKENS, other, split) for other in of_other_texts(tasks, name))
    shaped = [reshaped(table, name, len(tasks[name].texts)) for table in tables]
    found = [sampled(model, table, OTHERS, seed) for table in shaped if len(table)]
    return tuple(map(np.concatenate, zip(*found, strict=True))) if found else None  # type: ignore[return-value]


def of_other_texts(tasks: Mapping[str, Task], name: str) -> list[str]:
    """The tasks that do not ask about the texts of this one, as two questions of one file do."""
    own = tasks[name]
    return [other for other, task in tasks.items() if task.files != own.files or {*task.texts}.isdisjoint(own.texts)]


def reshaped(table: TokenTable, name: str, texts: int) -> TokenTable:
    """A table's texts as rows of another task, of so many texts."""
    sides, labels = table.sides[:texts], table.labels
    if len(sides) < texts:
        tokens, offsets = sides[0]
        sides, labels = [(tokens, offsets[:-1]), (tokens, offsets[1:])], labels[:-1]
    return dataclasses.replace(table, task=name, sides=sides, labels=labels)


def write_examples(model: MultiTaskModel, tasks: Mapping[str, Task], most: int, seed: int, folder: Path) -> None:
    """Of each task random training rows: their vectors [n, width] as float16, and texts and labels by name."""
    vectors, rows_of = {}, {}
    for name, task in tasks.items():
        table = TokenTable.open(TOKENS, name, "train")
        rows = some_rows(len(table), most, seed, "examples", name)
        found = torch.stack(model.embed(table, rows)).sum(0).cpu().numpy()
        vectors[name] = found.astype(np.float16)
        columns = ["text_a", "text_b"][: len(task.texts)]
        given = pq.read_table(PREPARED / name / "train.parquet", columns=columns).take(rows).to_pylist()
        said = [task.shown(label) for label in table.labels[rows].tolist()]
        rows_of[name] = [{"texts": [*row.values()], "label": label} for row, label in zip(given, said, strict=True)]
    tensors.write(folder / EXAMPLE_VECTORS, vectors)
    write_json(folder / EXAMPLES, rows_of)
