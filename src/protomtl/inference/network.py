"""The trained network of an export, by torch: texts in, vectors and the outputs of heads out."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch

from protomtl.backends.rows import means_of, sides
from protomtl.core.paths import READOUT
from protomtl.inference.rows import Row
from protomtl.model import readout
from protomtl.model.checkpoint import trained_model
from protomtl.model.device import threads
from protomtl.model.encoder import evaluating
from protomtl.model.heads import attribute
from protomtl.model.sequences import TokenTable
from protomtl.model.settings import Compute
from protomtl.tokenizer import open_tokenizer, token_numbers


class Network:
    """Encoder, heads and prototypes. What it takes is checked, what it gives lies on the CPU; nothing is changed by
    a call. SystemExit, with what to do, for files that are damaged or do not fit each other."""

    def __init__(self, folder: Path, record: Mapping[str, Any], compute: Compute) -> None:
        self.tokenizer, self.special = open_tokenizer(folder, record["max_length"])
        with torch.device("cpu"):  # whatever `torch.set_default_device` says; the model moves to its own
            self.model, self.tasks = trained_model(folder, folder, {**record, "compute": compute.model_dump()})
        self.model.eval()
        self.compute = compute
        self.readouts = readout.load(folder / READOUT, self.tasks) if (folder / READOUT).exists() else {}
        self.means = means_of(folder, self.tasks, self.width)

    @property
    def width(self) -> int:
        return self.model.encoder.width

    @property
    def device(self) -> torch.device:
        return self.model.encoder.device

    @contextmanager
    def computing(self) -> Iterator[None]:
        """Inside, torch has the model's threads and precision, whatever the caller's autocast says of others'."""
        with threads(self.compute.threads), torch.autocast(self.device.type, enabled=False):
            yield

    def encode(self, texts: list[Row]) -> np.ndarray:
        """[n, width] of texts, each by itself."""
        table = self.table("", texts)
        with self.computing(), evaluating(self.model.encoder):
            found: np.ndarray = self.model.encoder(table.single(np.arange(len(table)), 0)).cpu().numpy()
        return found

    def outputs(self, task: str, rows: list[Row]) -> np.ndarray:
        """[n, outputs] what the head of a task gives."""
        with self.computing(), evaluating(self.model):
            parts = self.embedded(task, rows)
            found: np.ndarray = self.model.heads[attribute(task)](*parts).cpu().numpy()
        return found

    def vectors(self, task: str, rows: list[Row]) -> np.ndarray:
        """[n, width] of a task's rows as the task encodes them, of two their sum."""
        found: np.ndarray = torch.stack(self.embedded(task, rows)).sum(0).cpu().numpy()
        return found

    def by_prototypes(self, task: str, rows: list[Row]) -> np.ndarray:
        """[n, classes] probabilities by prototypes with prior and scale; of values their means [n, 1]."""
        found, what = self.readouts[task], self.tasks[task]
        with self.computing():
            likely = found.probabilities(self.model.readout_vectors(task, self.embedded(task, rows)).cpu())
        return np.asarray(likely) if what.what.has_classes else readout.predictions(what, likely)[:, None]

    def embedded(self, task: str, rows: list[Row]) -> tuple[torch.Tensor, ...]:
        """The embeddings [n, width] of each sequence group of a task."""
        table = self.table(task, rows)
        with self.computing():
            return self.model.embed(table, np.arange(len(table)))

    def table(self, task: str, rows: list[Row]) -> TokenTable:
        """Texts as the token table that training reads."""
        texts = [flat(token_numbers(self.tokenizer, side)) for side in sides(rows)]
        return TokenTable(task, texts, self.special, np.full(len(rows), np.nan, np.float32))


def flat(numbers: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Lists end to end, and where each begins and the end."""
    return np.fromiter(chain.from_iterable(numbers), np.int32), np.cumsum([0, *map(len, numbers)])
