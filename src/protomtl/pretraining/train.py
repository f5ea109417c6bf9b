"""Phase 1: train the encoder on all tasks by one of several objectives, and write it for fine-tuning to start from."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from protomtl.core.files import atomic, write_csv, write_json
from protomtl.core.paths import BACKBONE, TOKENS
from protomtl.core.settings import Backbone
from protomtl.model import distributed
from protomtl.model.checkpoint import save_encoder, save_record
from protomtl.model.encoder import Encoder, settle
from protomtl.model.sequences import TokenTable
from protomtl.model.settings import Compute
from protomtl.pretraining import masked_words, prototypical, reading, task_heads
from protomtl.pretraining.settings import Pretrain
from protomtl.seeds import generator
from protomtl.tasks.settings import Task, main_tasks
from protomtl.training import loop, resume, sampling, timing
from protomtl.training.curves import Points

OBJECTIVES = {  # what `pretrain.objective` may name
    "prototypical": prototypical.objective,
    "softmax": task_heads.objective,
    "tasks": task_heads.objective,
    "muppet": task_heads.objective,
    "mlm": masked_words.objective,
}


def train_encoder(
    target: Path,
    method: str,
    seed: int,
    settings: Pretrain,
    tasks: dict[str, Task],
    backbone: Backbone,
    compute: Compute,
) -> None:
    """Pre-train the backbone on all tasks and write it to `target`, with its curve, its record and what prototypes say.

    One of `compute.processes`, of which the main one writes.
    """
    main, tasks = main_tasks(tasks), tasks if settings.auxiliary else main_tasks(tasks)
    tables = {name: TokenTable.open(TOKENS, name, "train") for name in tasks}
    record = {
        "method": method,
        "seed": seed,
        "pretrain": settings.model_dump(),
        "tasks": {name: task.model_dump() for name, task in tasks.items()},
        "backbone": backbone.model_dump(),
    }
    purpose = f"pretrain {method} seed {seed}"  # it seeds the dropout: other words, other results
    with resume.exclusive("pretrain", method, seed, record, resume.inputs(BACKBONE, compute)) as folder:
        settle(compute)
        encoder = Encoder(BACKBONE, backbone.pooling, compute)
        labels = labels_of(tables, settings, seed)
        objective = objective_of(encoder, tables, tasks, labels, settings, seed)
        sizes = {name: len(table) for name, table in tables.items()}
        result = loop.train(purpose, objective, sizes, settings, seed, folder)
        said = reading.read_by_prototypes(encoder, main, settings, seed)
        if not distributed.is_main():
            return
        write(target, encoder, record | {"steps": result.steps}, compute, result.curves.train, said)
    timing.write("pretrain", method, seed, result.seconds)


def objective_of(
    encoder: Encoder,
    tables: Mapping[str, TokenTable],
    tasks: Mapping[str, Task],
    labels: Mapping[str, np.ndarray],
    settings: Pretrain,
    seed: int,
) -> loop.Objective:
    """What `pretrain.objective` names, with the classes that `sampling: episodes` draws by, whichever it is."""
    objective = OBJECTIVES[settings.objective](encoder, tables, tasks, labels, settings, seed)
    return objective._replace(classes=sampling.classes_of(tasks, labels))


def write(
    target: Path, encoder: Encoder, record: dict[str, Any], compute: Compute, curve: Points, said: reading.Said
) -> None:
    """The folder of a first phase: the encoder, how it was made, its curve, and what prototypes say."""
    with atomic(target) as part:
        part.mkdir()
        save_encoder(encoder, part / "encoder")
        save_record(part, record, compute)
        write_json(part / "start.json", {"encoder": str(target / "encoder")})
        write_csv(part / "train.csv", curve)
        reading.write(said, part)


def labels_of(tables: dict[str, TokenTable], settings: Pretrain, seed: int) -> dict[str, np.ndarray]:
    """The labels of each task's rows; as a control, shuffled once among the rows."""
    if not settings.shuffled_labels:
        return {name: np.asarray(table.labels) for name, table in tables.items()}
    return {name: generator(seed, "shuffled labels", name).permutation(table.labels) for name, table in tables.items()}
