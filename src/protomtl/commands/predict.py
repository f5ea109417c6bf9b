"""Command `predict`: what a task's head says of your texts."""

import argparse
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from protomtl.core.sections import argument
from protomtl.core.settings import Positive
from protomtl.inference import records, texts
from protomtl.inference.lines import BadInput
from protomtl.inference.records import Placed, Record
from protomtl.inference.rows import BLOCK, Row
from protomtl.tasks.settings import Task

if TYPE_CHECKING:
    from protomtl.inference.model import Model

EXAMPLES = """
  protomtl predict --model results/export --task sst --input reviews.csv --columns review --output scored.csv
  protomtl predict --model results/export --task sts --input pairs.jsonl --columns left right --output scored.jsonl
  protomtl predict --model results/export --task sst --input reviews.csv --unknown other --why 3
  cat lines.txt | protomtl predict --model results/export --task sst"""


def arguments(command: argparse.ArgumentParser) -> None:
    texts.add_arguments(command, (".csv", ".jsonl"))
    add = command.add_argument
    add("--task", required=True, help="one of the model's tasks, such as sst, para or sts")
    add("--unknown", metavar="LABEL", help="what is said of a row that is none of the task's (default: the likeliest)")
    add(
        "--why",
        type=argument(Positive),
        metavar="N",
        help="the N nearest training rows as columns why_1, why_1_label …",
    )


def run(args: argparse.Namespace) -> None:
    texts.run(args, predicted)


def predicted(model: "Model", args: argparse.Namespace) -> Iterator[Placed]:
    """Each row with what the task's head says: `prediction`, and for classes the probability of each, by name."""
    if args.task not in model.tasks:
        raise BadInput(f"--task {args.task}: the model has {', '.join(model.tasks)}")
    task = model.tasks[args.task]
    columns = args.columns or (["text"] if len(task.texts) == 1 else task.texts)
    if len(columns) != len(task.texts):
        raise BadInput(f"--columns: task {args.task} needs {len(task.texts)}, there are {len(columns)}")
    found = records.texts(records.read(args.input, args.format), columns)
    while block := list(islice(found, BLOCK)):
        given: list[Row] = [both if len(both) == 2 else both[0] for *_, both in block]
        try:
            more = answered(model, args, task, given)
        except ValueError as error:  # an export without thresholds or examples
            raise BadInput(f"{args.model}: {error}") from None
        for (place, row, _), answer in zip(block, more, strict=True):
            yield texts.widened(place, row, answer, args)


def answered(model: "Model", args: argparse.Namespace, task: Task, rows: list[Row]) -> list[Record]:
    """The columns that are added to each of some rows."""
    added = [shown(task, scores) for scores in model.scores(args.task, [rows])]
    if args.unknown is not None:
        for columns, novelty in zip(added, model.novelty(args.task, rows), strict=True):
            columns |= {"prediction": args.unknown} if novelty > 0 else {}
    if args.why:
        for columns, reasons in zip(added, model.explain(args.task, rows, args.why), strict=True):
            for place, reason in enumerate(reasons, 1):
                text = reason["text"] if isinstance(reason["text"], str) else " | ".join(reason["text"])
                columns |= {f"why_{place}": text, f"why_{place}_label": reason["label"]}
                columns |= {f"why_{place}_cosine": round(reason["cosine"], 4)}
    return added


def shown(task: Task, scores: np.ndarray) -> Record:
    """The label and the probability of each class, by name; or the value."""
    if not task.what.has_classes:
        return {"prediction": round(float(np.clip(scores[0], *task.bounds)), 4)}
    named = {f"score_{name}": round(float(s), 4) for name, s in zip(task.class_names, scores, strict=True)}
    return {"prediction": task.what.shown(task, task.what.predictions(scores[None])[0])} | named
