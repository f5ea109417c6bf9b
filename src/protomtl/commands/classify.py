"""Command `classify`: a new classification from a few labelled texts of each class; nothing is trained."""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from protomtl.inference import texts
from protomtl.inference.lines import BadInput
from protomtl.inference.records import Placed, Record
from protomtl.own_data.columns import NOTHING
from protomtl.tasks.labels import composed, exact
from protomtl.tasks.settings import MOST

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


def classified(model: "Model", args: argparse.Namespace) -> Iterator[Placed]:
    """Each row with the class whose examples in `--support` it is nearest to, and the probability of each."""
    from protomtl.inference.estimators import PrototypeClassifier  # heavy

    support = list(texts.encoded(model, args.support, args))
    labels = labels_of(support, args.label)
    if len(set(labels)) < 2:
        raise BadInput(f"{args.support}: all rows are {labels[0]!r}; examples of at least two classes are needed")
    tell_alike(args.support, sorted(set(labels)))
    classifier = PrototypeClassifier().fit(np.stack([vector for *_, vector in support]), labels)
    for place, row, vector in texts.encoded(model, args.input, args):
        scores = classifier.predict_proba(vector[None])[0]
        shown = {f"score_{c}": round(float(score), 4) for c, score in zip(classifier.classes_, scores, strict=True)}
        yield texts.widened(place, row, {"prediction": str(classifier.classes_[scores.argmax()])} | shown, args)


def labels_of(support: Sequence[tuple[str, Record, np.ndarray]], column: str) -> list[str]:
    """Of all rows. Numbers that are equal to their last digit are one label, as the first of them has it."""
    spelled: dict[str | Decimal, str] = {}
    found = [label(place, row, column) for place, row, _ in support]
    return [spelled.setdefault(name if (value := exact(name)) is None else value, name) for name in found]


def tell_alike(path: str, labels: list[str]) -> None:
    """A line for labels that differ by case alone: mostly one class is meant."""
    for one, other in pairwise(sorted(labels, key=str.casefold)):
        if one.casefold() == other.casefold():
            print(f"{path}: labels {one!r} and {other!r} differ by case alone and are two classes", file=sys.stderr)


def label(place: str, row: Record, column: str) -> str:
    """The label of a row of `--support`, white space round it and what is invisible aside. BadInput for what is missing
    or is neither a word nor a number."""
    value = row.get(column)
    if isinstance(value, (dict, list)) or value != value:
        raise BadInput(f"{place}: column {column!r}: {value!r:.80} is no label; a word or a number is needed")
    if isinstance(value, float) and value.is_integer() and abs(value) < MOST:  # else it has digits that nobody wrote
        value = int(value)
    found = composed(value) if isinstance(value, str) else json.dumps(value)
    if value is None or not found:
        raise BadInput(f"{place}: column {column!r} is missing or empty: {row!s:.200}; say --label")
    if found.casefold() in NOTHING:
        raise BadInput(
            f"{place}: column {column!r}: {found!r} is what programs write where there is no label: "
            "remove this row, or give the class another name"
        )
    return found
