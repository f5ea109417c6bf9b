"""What an export knows of its own answers: temperatures, thresholds of novelty, and training examples."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field, TypeAdapter, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load_file

from protomtl import novelty
from protomtl.calibration import COLDEST, HOTTEST
from protomtl.core.files import read_json
from protomtl.core.paths import CALIBRATION, EXAMPLE_VECTORS, EXAMPLES
from protomtl.core.settings import Block
from protomtl.inference.rows import Row
from protomtl.tasks.settings import Task

if TYPE_CHECKING:
    from protomtl.inference.network import Network


class Novelty(Block):
    """score: of novelty.py; above the threshold a row is none of the task's; auroc: how well that tells others."""

    score: Literal["energy", "distance"]
    threshold: float
    auroc: float | None


class Trust(Block):
    """Of a task. nll, ece: without the temperature and with it, on `rows` rows of the split `judged`."""

    temperature: Annotated[float, Field(ge=COLDEST, le=HOTTEST)] = 1.0
    judged: Literal["dev", "test"] | None = None
    rows: int | None = None
    nll: list[float | None] | None = None
    ece: list[float | None] | None = None
    novelty: Novelty | None = None


class Example(Block):
    """A training row: its one or two texts, and its label as people read it."""

    texts: Annotated[list[str], Field(min_length=1, max_length=2)]
    label: str


@dataclass(frozen=True)
class Examples:
    """vectors [n, width] of length 1, and of each the row."""

    vectors: np.ndarray
    rows: list[Example]

    def nearest(self, vectors: np.ndarray, top: int) -> list[list[dict[str, Any]]]:
        """For each of the vectors [n, width] the nearest examples: text (of a pair both), label and cosine."""
        cosines = novelty.unit(vectors) @ self.vectors.T
        order = np.argsort(-cosines, axis=1, kind="stable")[:, :top]
        return [[self.shown(k, float(row[k])) for k in places] for row, places in zip(cosines, order, strict=True)]

    def shown(self, place: int, cosine: float) -> dict[str, Any]:
        texts = self.rows[place].texts
        return {
            "text": texts[0] if len(texts) == 1 else tuple(texts),
            "label": self.rows[place].label,
            "cosine": cosine,
        }


def read_trust(folder: Path, tasks: Mapping[str, Task]) -> dict[str, Trust]:
    """Of each task; an export of before has temperature 1 and no thresholds. SystemExit for what does not fit."""
    path = folder / CALIBRATION
    if not path.exists():
        return {name: Trust() for name in tasks}
    try:
        found = TypeAdapter(dict[str, Trust]).validate_python(read_json(path))
    except (ValidationError, ValueError) as error:
        raise SystemExit(f"{path}: this is no calibration of an export: {' '.join(str(error).split())[:200]}") from None
    if found.keys() != tasks.keys():
        raise SystemExit(f"{path}: is not of the model beside it; export it again")
    return found


def read_examples(folder: Path, tasks: Mapping[str, Task], width: int) -> dict[str, Examples]:
    """Of each task; none where the export was made without. SystemExit for what does not fit."""
    path = folder / EXAMPLES
    if not path.exists():
        return {}
    try:
        rows, vectors = read_json(path), load_file(folder / EXAMPLE_VECTORS)
    except (OSError, ValueError, SafetensorError) as error:
        raise SystemExit(f"{path}: the training examples cannot be read: {error}") from None
    try:
        whole = TypeAdapter(dict[str, list[Example]]).validate_python(rows)
    except ValidationError as error:
        raise SystemExit(f"{path}: these are no training examples: {' '.join(str(error).split())[:200]}") from None
    shapes = {name: (len(whole.get(name, ())), width) for name in tasks}
    if {name: found.shape for name, found in vectors.items()} != shapes:
        raise SystemExit(f"{path}: these examples are not of the model beside them; export it again")
    return {name: Examples(novelty.unit(vectors[name]), whole[name]) for name in tasks}


def threshold(found: Mapping[str, Trust], task: str) -> Novelty:
    """Of a task. ValueError for a model that was exported without."""
    if (known := found[task].novelty) is None:
        raise ValueError(f"this model has no threshold of novelty of {task!r}; export it again")
    return known


def strangeness(network: "Network", task: str, found: Novelty, rows: list[Row]) -> np.ndarray:
    """[n] the score of novelty above its threshold."""
    if found.score == "energy":
        what = network.tasks[task].what
        with np.errstate(under="ignore"):  # a program may raise for it
            scores = novelty.energy(what.class_logits(network.outputs(task, rows)), not what.one_class)
    else:
        scores = novelty.distance(network.vectors(task, rows), network.means[task])
    return np.asarray(scores - found.threshold)
