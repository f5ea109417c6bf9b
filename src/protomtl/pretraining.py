"""Phase 1: train the encoder on all tasks by one of several objectives, and write it for fine-tuning to start from."""

from pathlib import Path

import numpy as np

from protomtl import distributed, mlm, muppet, prototypical, sampling, state, timing, training
from protomtl.config import main_tasks
from protomtl.encoder import Encoder
from protomtl.files import atomic, digest_folder, write_csv, write_json
from protomtl.model import save_encoder, save_record
from protomtl.paths import BACKBONE, TOKENS
from protomtl.random import generator
from protomtl.schema import Backbone, Compute, Pretrain, Task
from protomtl.tokens import TokenTable

Labels = dict[str, np.ndarray]


def train_encoder(
    target: Path,
    method: str,
    seed: int,
    settings: Pretrain,
    tasks: dict[str, Task],
    backbone: Backbone,
    compute: Compute,
) -> None:
    """Pre-train the backbone on all tasks and write it to `target`, with its curve and its record.

    One of `compute.processes`, of which the main one writes.
    """
    tasks = tasks if settings.auxiliary else main_tasks(tasks)
    tables = {name: TokenTable.open(TOKENS, name, "train") for name in tasks}
    record = {
        "method": method,
        "seed": seed,
        "pretrain": settings.model_dump(),
        "tasks": {name: task.model_dump() for name, task in tasks.items()},
        "backbone": backbone.model_dump(),
    }
    inputs = [digest_folder(TOKENS), digest_folder(BACKBONE), compute.model_dump()]
    title = f"pretrain {method} seed {seed}"
    with state.exclusive("pretrain", method, seed, record, inputs) as folder:
        encoder = Encoder(BACKBONE, backbone.pooling, compute)
        objective = build(encoder, tables, tasks, settings, seed)
        sizes = {name: len(table) for name, table in tables.items()}
        result = training.train(title, objective, sizes, settings, seed, folder, settings.head_lr)
        if not distributed.is_main():
            return
        with atomic(target) as part:
            part.mkdir()
            save_encoder(encoder, part / "encoder")
            save_record(part, record | {"steps": result.steps}, encoder, compute)
            write_json(part / "start.json", {"encoder": str(target / "encoder")})
            write_csv(part / "train.csv", result.curves.train)
    timing.write("pretrain", method, seed, result.seconds)


def build(
    encoder: Encoder, tables: dict[str, TokenTable], tasks: dict[str, Task], settings: Pretrain, seed: int
) -> training.Objective:
    """The objective that the settings name."""
    if settings.objective == "mlm":
        return mlm.objective(encoder, tables, settings, seed)
    labels = labels_of(tables, settings, seed)
    if settings.objective == "prototypical":
        steps = sampling.steps_per_epoch({name: len(table) for name, table in tables.items()}, settings)
        return prototypical.objective(encoder, tables, tasks, labels, settings, steps)
    return muppet.objective(encoder, tables, tasks, labels, settings, seed)


def labels_of(tables: dict[str, TokenTable], settings: Pretrain, seed: int) -> Labels:
    """The labels of each task's rows; as a control, shuffled once among the rows."""
    if not settings.shuffled_labels:
        return {name: np.asarray(table.labels) for name, table in tables.items()}
    return {name: generator(seed, "shuffled labels", name).permutation(table.labels) for name, table in tables.items()}
