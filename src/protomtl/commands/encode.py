"""Command `encode`: the vector of each of your texts."""

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from protomtl.inference import texts
from protomtl.inference.records import Placed

if TYPE_CHECKING:
    from protomtl.inference.model import Model

ENDINGS = (".npy", ".jsonl")
EXAMPLES = """
  protomtl encode --model results/export --input texts.csv --output vectors.npy
  cat lines.txt | protomtl encode --model results/export > vectors.jsonl"""


def arguments(command: argparse.ArgumentParser) -> None:
    texts.add_arguments(command, ENDINGS)


def run(args: argparse.Namespace) -> None:
    texts.run(args, with_vectors, ENDINGS)


def with_vectors(model: "Model", args: argparse.Namespace) -> Iterator[Placed]:
    """Each row with its `vector`, for JSON lines."""
    for place, row, vector in texts.encoded(model, args.input, args):
        yield texts.widened(place, row, {"vector": [round(float(x), 6) for x in vector]}, args)
