"""An export of format static: the mean of the tokens' vectors, and linear heads on it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from protomtl.backends.rows import Row, means_of, open_tokens, read_tensors, refuse_others, sides
from protomtl.core.paths import STATIC, STATIC_HEADS
from protomtl.tasks.settings import Task, tasks_of


class StaticNetwork:
    """Vectors of tokens, heads and prototypes. SystemExit for files that are damaged or do not fit each other."""

    device = "cpu"
    readouts: Mapping[str, Any] = {}  # prototypes with prior and scale are not fitted again

    def __init__(self, folder: Path, record: Mapping[str, Any]) -> None:
        self.tasks = tasks_of(record)
        self.tokens = open_tokens(folder)
        self.table = table_of(folder / STATIC)
        self.width = self.table.shape[1]
        self.heads = heads_of(folder / STATIC_HEADS, self.tasks, self.width)
        self.means = means_of(folder, self.tasks, self.width)
        if self.tokens.get_vocab_size() > len(self.table):
            raise SystemExit(f"{folder}: its tokenizer has more words than there are vectors; export the model again")

    def encode(self, texts: list[Row]) -> np.ndarray:
        """[n, width] of texts, of any length; zeros for a text without a token."""
        (first,) = sides(texts)
        return self.embed(first)

    def embed(self, texts: list[str]) -> np.ndarray:
        tokens = [encoding.ids for encoding in self.tokens.encode_batch_fast(texts, add_special_tokens=False)]
        found = np.zeros((len(texts), self.width), np.float32)
        for place, numbers in enumerate(tokens):
            if numbers:
                found[place] = self.table[numbers].mean(0)
        return found

    def embedded(self, rows: list[Row]) -> list[np.ndarray]:
        return [self.embed(side) for side in sides(rows)]

    def outputs(self, task: str, rows: list[Row]) -> np.ndarray:
        """[n, outputs] what the head of a task gives."""
        x = features(self.embedded(rows))
        return np.asarray(x @ self.heads[f"{task}.weight"].T + self.heads[f"{task}.bias"])

    def vectors(self, task: str, rows: list[Row]) -> np.ndarray:
        """[n, width] of a task's rows, of two their sum."""
        return np.asarray(np.sum(self.embedded(rows), axis=0))


def table_of(path: Path) -> np.ndarray:
    """[tokens, width]. SystemExit for what is none."""
    found = read_tensors(path)
    shapes = {name: tensor.ndim for name, tensor in found.items()}
    refuse_others(path, shapes, {"embedding.weight": 2})
    return found["embedding.weight"].astype(np.float32)


def heads_of(path: Path, tasks: Mapping[str, Task], width: int) -> dict[str, np.ndarray]:
    """TASK.weight [outputs, features] and TASK.bias [outputs]. SystemExit for those of another model."""
    found = read_tensors(path)
    wanted: dict[str, tuple[int, ...]] = {}
    for name, task in tasks.items():
        wanted[f"{name}.weight"] = (task.outputs, 2 * width + 1 if task.pair else width)
        wanted[f"{name}.bias"] = (task.outputs,)
    refuse_others(path, {name: tensor.shape for name, tensor in found.items()}, wanted)
    return found


def features(parts: list[np.ndarray]) -> np.ndarray:
    """[n, width] of texts; of pairs [n, 2 · width + 1]: |u - v|, u · v and their cosine, both of length 1."""
    if len(parts) == 1:
        return parts[0]
    u, v = (side / np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-12) for side in parts)
    return np.concatenate([np.abs(u - v), u * v, (u * v).sum(1, keepdims=True)], axis=1)
