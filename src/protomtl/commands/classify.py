"""Command `classify`: a new classification from a few labelled texts of each class; nothing is trained."""

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from protomtl.inference import texts
from protomtl.inference.records import BadInput, Record

if TYPE_CHECKING:
    from protomtl.inference.model import Model

EXAMPLES = """
  protomtl classify --model results/export --support labelled.csv --input texts.csv --output classes.csv
  protomtl classify --model results/export --support labelled.csv --label topic --input lines.txt"""


def arguments(command: argparse.ArgumentParser) -> None:
    texts.add_arguments(command, (".csv", ".jsonl"))
    command.add_argument("--support", required=True, metavar="FILE", help="a few labelled rows of each class")
    command.add_argument(
        "--label", default="label", metavar="NAME", help="column of the label in --support (default: label)"
    )


def run(args: argparse.Namespace) -> None:
    texts.run(args, classified)


def classified(model: "Model", args: argparse.Namespace) -> Iterator[Record]:
    """Each row with the class whose examples in `--support` it is nearest to, and the probability of each."""
    from protomtl.inference.estimators import PrototypeClassifier  # heavy

    support = list(texts.encoded(model, args.support, args))
    if missing := [row for row, _ in support if not row.get(args.label)]:
        raise BadInput(f"{args.support}: column {args.label!r} is missing or empty: {missing[0]}; say --label")
    labels = [str(row[args.label]) for row, _ in support]
    if len(set(labels)) < 2:
        raise BadInput(f"{args.support}: all rows are {labels[0]!r}; examples of at least two classes are needed")
    classifier = PrototypeClassifier().fit(np.stack([vector for _, vector in support]), labels)
    for row, vector in texts.encoded(model, args.input, args):
        scores = classifier.predict_proba(vector[None])[0]
        shown = {f"score_{c}": round(float(score), 4) for c, score in zip(classifier.classes_, scores, strict=True)}
        yield row | {"prediction": str(classifier.classes_[scores.argmax()])} | shown
