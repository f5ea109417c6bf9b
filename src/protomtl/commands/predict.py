"""Command `predict`: what a task's head says of your texts."""

import argparse
from collections.abc import Iterator
from itertools import tee
from typing import TYPE_CHECKING

import numpy as np

from protomtl.inference import records, texts
from protomtl.inference.records import BadInput, Record

if TYPE_CHECKING:
    from protomtl.inference.model import Model

EXAMPLES = """
  protomtl predict --model results/export --task sst --input reviews.csv --columns review --output scored.csv
  protomtl predict --model results/export --task sts --input pairs.jsonl --columns left right --output scored.jsonl
  cat lines.txt | protomtl predict --model results/export --task sst"""


def arguments(command: argparse.ArgumentParser) -> None:
    texts.add_arguments(command, (".csv", ".jsonl"))
    command.add_argument("--task", required=True, help="one of the model's tasks, such as sst, para or sts")


def run(args: argparse.Namespace) -> None:
    texts.run(args, predicted)


def predicted(model: "Model", args: argparse.Namespace) -> Iterator[Record]:
    """Each row with what the task's head says: `prediction`, and for classes the probability of each, by name."""
    if args.task not in model.tasks:
        raise BadInput(f"--task {args.task}: the model has {', '.join(model.tasks)}")
    task = model.tasks[args.task]
    columns = args.columns or (["text"] if len(task.texts) == 1 else task.texts)
    if len(columns) != len(task.texts):
        raise BadInput(f"--columns: task {args.task} needs {len(task.texts)}, there are {len(columns)}")
    rows, found = tee(records.texts(records.read(args.input, args.format), columns))
    given = (both if len(both) == 2 else both[0] for _, both in found)
    for (row, _), scores in zip(rows, model.stream_scores(args.task, given), strict=True):
        if task.what.has_classes:
            names = task.class_names
            shown = {f"score_{name}": round(float(score), 4) for name, score in zip(names, scores, strict=True)}
            label = task.what.predictions(scores[None])[0]
            yield texts.widened(row, {"prediction": task.what.shown(task, label)} | shown, args)
        else:
            value = round(float(np.clip(scores[0], *task.bounds)), 4)
            yield texts.widened(row, {"prediction": value}, args)
