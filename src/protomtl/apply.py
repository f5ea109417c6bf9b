"""What a trained model does to the user's own texts: predict, embed, similar, classify."""

import argparse
import sys
from collections.abc import Iterable, Iterator
from itertools import tee
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from protomtl import records
from protomtl.classifier import PrototypeClassifier
from protomtl.files import atomic
from protomtl.inference import Model, load
from protomtl.records import BadInput, Record


def predict(model: Model, args: argparse.Namespace) -> Iterator[Record]:
    """Each row with what the task's head says: `prediction`, and for classes the probability of each."""
    if args.task not in model.tasks:
        raise BadInput(f"--task {args.task}: the model has {', '.join(model.tasks)}")
    task = model.tasks[args.task]
    columns = args.columns or (["text"] if len(task.texts) == 1 else task.texts)
    if len(columns) != len(task.texts):
        raise BadInput(f"--columns: task {args.task} needs {len(task.texts)}, there are {len(columns)}")
    rows, texts = tee(records.texts(records.read(args.input, args.format), columns))
    given = (found if len(found) == 2 else found[0] for _, found in texts)
    for (row, _), scores in zip(rows, model.stream_scores(args.task, given), strict=True):
        if task.kind == "regression":
            yield row | {"prediction": round(float(np.clip(scores[0], *task.bounds)), 4)}
        else:
            shown = {f"score_{k}": round(float(score), 4) for k, score in enumerate(scores)}
            yield row | {"prediction": int(scores.argmax())} | shown


def embed(model: Model, args: argparse.Namespace) -> Iterator[Record]:
    """Each row with its `vector`, for JSON lines."""
    for row, vector in encoded(model, args.input, args):
        yield row | {"vector": [round(float(x), 6) for x in vector]}


def encoded(model: Model, path: str, args: argparse.Namespace) -> Iterator[tuple[Record, np.ndarray]]:
    """Each row with its vector."""
    rows, texts = tee(records.texts(records.read(path, args.format), args.columns or ["text"]))
    yield from zip((row for row, _ in rows), model.stream(found[0] for _, found in texts), strict=True)


def similar(model: Model, args: argparse.Namespace) -> Iterator[Record]:
    """For each row the rows of `--among` that are nearest by the cosine of their vectors."""
    among = list(encoded(model, args.among, args))
    vectors = normalized(np.stack([vector for _, vector in among]))
    column = (args.columns or ["text"])[0]
    for row, vector in encoded(model, args.input, args):
        cosines = vectors @ normalized(vector[None])[0]
        for rank, place in enumerate(np.argsort(-cosines, kind="stable")[: args.top], 1):
            yield row | {"rank": rank, "cosine": round(float(cosines[place]), 4), "similar": among[place][0][column]}


def classify(model: Model, args: argparse.Namespace) -> Iterator[Record]:
    """Each row with the class whose examples in `--support` it is nearest to, and the probability of each."""
    support = list(encoded(model, args.support, args))
    if missing := [row for row, _ in support if not row.get(args.label)]:
        raise BadInput(f"{args.support}: column {args.label!r} is missing or empty: {missing[0]}; say --label")
    labels = [str(row[args.label]) for row, _ in support]
    if len(set(labels)) < 2:
        raise BadInput(f"{args.support}: all rows are {labels[0]!r}; examples of at least two classes are needed")
    classifier = PrototypeClassifier().fit(np.stack([vector for _, vector in support]), labels)
    for row, vector in encoded(model, args.input, args):
        scores = classifier.predict_proba(vector[None])[0]
        shown = {f"score_{c}": round(float(score), 4) for c, score in zip(classifier.classes_, scores, strict=True)}
        yield row | {"prediction": str(classifier.classes_[scores.argmax()])} | shown


def normalized(vectors: np.ndarray) -> np.ndarray:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


COMMANDS = {"predict": predict, "embed": embed, "similar": similar, "classify": classify}


def run(args: argparse.Namespace) -> None:
    """Run one of COMMANDS; bad input ends with a message and status 2, and leaves no output."""
    try:
        ending = Path(args.output).suffix
        endings = (".npy", ".jsonl") if args.command == "embed" else (".csv", ".jsonl")
        if args.output != records.STREAM and ending not in endings:
            raise BadInput(f"{args.output}: {args.command} writes {' or '.join(endings)}; say so in the file's name")
        model = load(args.model, precision=args.precision, threads=args.threads)
        if ending == ".npy":
            write_array(args.output, (vector for _, vector in with_progress(encoded(model, args.input, args))))
        else:
            rows = with_progress(COMMANDS[args.command](model, args))
            records.write(args.output, rows, as_json=args.command == "embed" or ending == ".jsonl")
    except (BadInput, FileNotFoundError) as error:
        print(f"protomtl {args.command}: {error}", file=sys.stderr)
        sys.exit(2)


def write_array(path: str, vectors: Iterable[np.ndarray]) -> None:
    """[n, width] float32 as .npy."""
    whole = np.stack(list(vectors))
    with atomic(path) as part, part.open("wb") as file:
        np.save(file, whole)


def with_progress(rows: Iterable[Any]) -> Iterable[Any]:
    """On a terminal, not in a log."""
    bar: Iterable[Any] = tqdm(rows, unit=" rows", disable=not sys.stderr.isatty())
    return bar
