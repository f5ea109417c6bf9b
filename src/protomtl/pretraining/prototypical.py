"""Prototypical pre-training: embeddings of one class learn to cluster around their mean (report §4.3, A.2)."""

from collections.abc import Mapping
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from protomtl.model.encoder import Encoder, embed_batch, embed_table
from protomtl.model.heads import attribute, class_vectors
from protomtl.model.sequences import TokenTable
from protomtl.pretraining.settings import Pretrain
from protomtl.tasks.settings import Task
from protomtl.training.loop import Objective
from protomtl.training.prototypes import PrototypicalLoss, Rows, scale_rates
from protomtl.training.sampling import Batches, steps_per_epoch
from protomtl.training.weighting import fixed


def objective(
    encoder: Encoder,
    tables: Mapping[str, TokenTable],
    tasks: Mapping[str, Task],
    labels: Mapping[str, np.ndarray],
    settings: Pretrain,
    seed: int,
) -> Objective:
    """For each task the prototypical loss of its rows; labels: [rows of the table], of regression they are rounded, or
    belong to both neighbours."""
    steps = steps_per_epoch({name: len(table) for name, table in tables.items()}, settings)
    whole, relation = settings.pair_encoding == "concat", settings.pair_encoding == "relation"

    def embedded(table: TokenTable, rows: np.ndarray) -> Tensor:
        return class_vectors(embed_table(encoder, table, whole, rows), relation)

    def loss_of(name: str, task: Task) -> PrototypicalLoss:
        width = encoder.width * (2 if relation and task.pair else 1)
        rows = Rows(labels[name], partial(embedded, tables[name]))
        return PrototypicalLoss(task, settings, settings.prototypes, width, steps, rows)

    by_task = {name: loss_of(name, task).to(encoder.device) for name, task in tasks.items()}
    for name, own in by_task.items() if settings.scale == "fitted" else ():
        own.fit_scale(seed, name)
    loss = nn.ModuleDict({attribute(name): own for name, own in by_task.items()})

    def losses(rows: Batches) -> dict[str, Tensor]:
        groups = {name: tables[name].sequences_of(r, whole) for name, r in rows.items()}
        found = {}
        for name, parts in embed_batch(encoder, groups).items():
            known = torch.from_numpy(labels[name][rows[name]])  # on the CPU, which groups them
            found[name] = by_task[name](class_vectors(parts, relation), known)
        return found

    trained = nn.ModuleDict({"encoder": encoder, "loss": loss})
    return Objective(trained, losses, fixed({}), scale_rates(loss, "loss", settings.scale_lr))
