"""Prototypical pre-training: teach the encoder a space in which each class lies round its mean (report §4.3, A.2)."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from protomtl import state, timing, training
from protomtl.config import Backbone, Compute, Pretrain, Task, main_tasks
from protomtl.encoder import Encoder, embed_batch
from protomtl.files import atomic, digest_folder, write_csv, write_json
from protomtl.model import save_encoder, save_record
from protomtl.paths import BACKBONE, TOKENS
from protomtl.prototypes import class_labels, prototypical_loss
from protomtl.tokens import TokenTable


def train_encoder(
    target: Path,
    method: str,
    seed: int,
    settings: Pretrain,
    tasks: dict[str, Task],
    backbone: Backbone,
    compute: Compute,
) -> None:
    """Pre-train the backbone on all tasks and write it to `target`, with its curve and its record."""
    tasks = tasks if settings.auxiliary else main_tasks(tasks)
    tables = {name: TokenTable(TOKENS, name, "train") for name in tasks}
    record = {
        "method": method,
        "seed": seed,
        "pretrain": settings.model_dump(),
        "tasks": {name: task.model_dump() for name, task in tasks.items()},
        "backbone": backbone.model_dump(),
    }
    inputs = [digest_folder(TOKENS), digest_folder(BACKBONE), compute.model_dump()]
    with state.exclusive("pretrain", method, seed, record, inputs) as folder:
        encoder = Encoder(BACKBONE, backbone.pooling, compute)
        sizes = {name: len(table) for name, table in tables.items()}
        result = training.train(
            f"pretrain {method} seed {seed}",
            nn.ModuleDict({"encoder": encoder}),
            prototypical_losses(encoder, tables, tasks, settings),
            sizes,
            settings,
            seed,
            folder,
            weights={},
        )
        with atomic(target) as part:
            part.mkdir()
            save_encoder(encoder, part / "encoder")
            save_record(part, record | {"steps": result.steps}, encoder, compute)
            write_json(part / "start.json", {"encoder": str(target / "encoder")})
            write_csv(part / "train.csv", result.curves.train)
    timing.write("pretrain", method, seed, result.seconds)


def prototypical_losses(
    encoder: Encoder, tables: Mapping[str, TokenTable], tasks: Mapping[str, Task], settings: Pretrain
) -> training.Losses:
    """The losses of a step: for each task the prototypical loss of its batch; regression labels are rounded."""

    def losses(rows: training.Batches) -> dict[str, Tensor]:
        groups = {name: tables[name].embeddable(r, settings.pair_encoding == "concat") for name, r in rows.items()}
        found = {}
        for name, parts in embed_batch(encoder, groups).items():
            embedding = torch.stack(parts).sum(0)  # f(a) + f(b) (A.2), or the one embedding there is
            labels = class_labels(tasks[name], torch.from_numpy(tables[name].labels[rows[name]]))
            found[name], _ = prototypical_loss(embedding, labels.to(encoder.device), settings.distance)
        return found

    return losses
