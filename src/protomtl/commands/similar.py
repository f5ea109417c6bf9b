"""Command `similar`: for each text the nearest ones among others."""

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from protomtl.core.sections import argument
from protomtl.core.settings import Positive
from protomtl.inference import texts
from protomtl.inference.records import Placed
from protomtl.novelty import unit

if TYPE_CHECKING:
    from protomtl.inference.model import Model

EXAMPLES = """
  protomtl similar --model results/export --input questions.txt --among answers.csv --top 3"""


def arguments(command: argparse.ArgumentParser) -> None:
    texts.add_arguments(command, (".csv", ".jsonl"))
    command.add_argument("--among", required=True, metavar="FILE", help="the rows to search")
    command.add_argument(
        "--top", type=argument(Positive), default=5, metavar="N", help="rows to show of each (default: 5)"
    )


def run(args: argparse.Namespace) -> None:
    texts.run(args, nearest)


def nearest(model: "Model", args: argparse.Namespace) -> Iterator[Placed]:
    """For each row the rows of `--among` that are nearest by the cosine of their vectors."""
    among = list(texts.encoded(model, args.among, args))
    vectors = unit(np.stack([vector for *_, vector in among])).astype(np.float32)
    column = (args.columns or ["text"])[0]
    for place, row, vector in texts.encoded(model, args.input, args):
        cosines = vectors @ unit(vector[None])[0]
        for rank, other in enumerate(np.argsort(-cosines, kind="stable")[: args.top], 1):
            found = {"rank": rank, "cosine": round(float(cosines[other]), 4), "similar": among[other][1][column]}
            yield texts.widened(place, row, found, args)
