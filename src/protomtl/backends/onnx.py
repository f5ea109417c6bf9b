"""An export of format onnx or onnx-int8, run by onnxruntime."""

import importlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from protomtl.backends.rows import BATCH, Row, means_of, open_tokens, refuse_others, sides
from protomtl.core.paths import ONNX
from protomtl.model.settings import Heads
from protomtl.tasks.settings import tasks_of

VECTOR = "sentence_embedding"


class OnnxNetwork:
    """Encoder, heads and prototypes. SystemExit, with what to do, for files that are damaged or absent."""

    device = "cpu"

    def __init__(self, folder: Path, record: Mapping[str, Any], threads: int) -> None:
        self.tasks = tasks_of(record)
        self.settings = Heads.model_validate(record["finetune"])
        self.tokens = open_tokens(folder)
        self.tokens.enable_truncation(record["max_length"])
        self.tokens.enable_padding(pad_id=record["pad"])
        self.encoder = session(folder / ONNX / "model.onnx", threads)
        self.inputs = {put.name for put in self.encoder.get_inputs()}
        vectors = [put.shape[1] for put in self.encoder.get_outputs() if put.name == VECTOR]
        refuse_others(folder / ONNX / "model.onnx", {VECTOR: len(vectors)}, {VECTOR: 1})
        self.width = int(vectors[0])
        self.heads = {}
        self.readouts = {}
        for name, task in self.tasks.items():
            path = folder / ONNX / f"heads/{name}.onnx"
            self.heads[name] = graph_of(path, threads, self.width, task.outputs)
            if (path := folder / ONNX / f"readouts/{name}.onnx").exists():
                columns = task.number_of_classes if task.what.has_classes else 1
                self.readouts[name] = graph_of(path, threads, self.width, columns)
        self.means = means_of(folder, self.tasks, self.width)

    def encode(self, texts: list[Row]) -> np.ndarray:
        """[n, width] of texts, each by itself."""
        return self.embed(*sides(texts))

    def embed(self, first: Sequence[str], second: Sequence[str] | None = None) -> np.ndarray:
        """[n, width] of texts, or of pairs as one sequence each; those of similar length go together."""
        rows: list[Any] = [*first] if second is None else [*zip(first, second, strict=True)]
        order = np.argsort([len(row) if isinstance(row, str) else sum(map(len, row)) for row in rows], kind="stable")
        found = np.empty((len(rows), self.width), np.float32)
        for start in range(0, len(rows), BATCH):
            places = order[start : start + BATCH]
            encoded = self.tokens.encode_batch([rows[k] for k in places])
            values = {"input_ids": "ids", "attention_mask": "attention_mask", "token_type_ids": "type_ids"}
            given = {
                name: np.array([getattr(one, what) for one in encoded], np.int64)
                for name, what in values.items()
                if name in self.inputs
            }
            found[places] = self.encoder.run([VECTOR], given)[0]
        return found

    def embedded(self, task: str, rows: list[Row]) -> list[np.ndarray]:
        """The embeddings [n, width] of each sequence group of a task."""
        first, *rest = sides(rows)
        if not rest:
            return [self.embed(first)]
        second = rest[0]
        match self.settings.encoding_of(task):
            case "concat":
                return [self.embed(first, second)]
            case "both_ways":
                return [self.embed(first, second), self.embed(second, first)]
            case "joint":
                return [self.embed(first, second), self.embed(first), self.embed(second)]
            case _:
                return [self.embed(first), self.embed(second)]

    def outputs(self, task: str, rows: list[Row]) -> np.ndarray:
        """[n, outputs] what the head of a task gives."""
        return run(self.heads[task], self.embedded(task, rows))

    def vectors(self, task: str, rows: list[Row]) -> np.ndarray:
        """[n, width] of a task's rows as the task encodes them, of two their sum."""
        return np.asarray(np.sum(self.embedded(task, rows), axis=0))

    def by_prototypes(self, task: str, rows: list[Row]) -> np.ndarray:
        """[n, classes] probabilities by prototypes with prior and scale; of values their means [n, 1]."""
        return run(self.readouts[task], self.embedded(task, rows))


def runtime() -> Any:
    """onnxruntime, which sends nothing. ImportError without it.

    Since 1.29 it tells its makers of each model that it opens, on Linux too, and keeps a number of the user's in the
    user's cache. It looks at one variable while it is imported. What the user set there stands, and is there behind.
    """
    silent = {name: "1" for name in ("ORT_DISABLE_TELEMETRY",) if name not in os.environ}
    os.environ.update(silent)
    try:
        return importlib.import_module("onnxruntime")
    finally:
        for name in silent:
            del os.environ[name]


def session(path: Path, threads: int) -> Any:
    """SystemExit for a file that onnxruntime cannot read, and without onnxruntime."""
    try:
        onnxruntime = runtime()
    except ImportError:
        raise SystemExit(f"{path}: onnxruntime is missing: pip install 'protomtl[onnx]'") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # kinds of its own, which have no common base
        raise SystemExit(f"{path}: onnxruntime cannot read it: {error}; export the model again") from None


def graph_of(path: Path, threads: int, width: int, columns: int) -> Any:
    """A graph from embeddings [n, width] to [n, columns]. SystemExit for that of another model."""
    found = session(path, threads)
    shapes = {put.name: put.shape[1:] for put in (*found.get_inputs(), *found.get_outputs())}
    wanted = {name: [columns if name == "outputs" else width] for name in shapes}
    refuse_others(path, {name: shape for name, shape in shapes.items() if isinstance(shape[0], int)}, wanted)
    return found


def run(graph: Any, parts: list[np.ndarray]) -> np.ndarray:
    """What a graph gives for embeddings; one that needs none of them takes none."""
    names = {put.name for put in graph.get_inputs()}
    given = {f"part{k}": part for k, part in enumerate(parts) if f"part{k}" in names}
    return np.asarray(graph.run(None, given)[0])
