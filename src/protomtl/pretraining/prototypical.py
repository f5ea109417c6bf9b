"""Prototypical pre-training: embeddings of one class learn to cluster around their mean (report §4.3, A.2)."""

import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from protomtl.model.device import put
from protomtl.model.encoder import Encoder, embed_batch
from protomtl.model.heads import attribute
from protomtl.model.prototypes import pairwise_similarity, prototypical_loss
from protomtl.model.sequences import TokenTable
from protomtl.pretraining.settings import Pretrain
from protomtl.tasks.settings import Task
from protomtl.tasks.tensors import class_indices
from protomtl.training.loop import Objective
from protomtl.training.sampling import Batches, steps_per_epoch
from protomtl.training.weighting import fixed


class PrototypicalLoss(nn.Module):
    """The loss of one task, with what it learns and remembers."""

    sums: Tensor  # [classes, width] of the epoch's embeddings so far
    counts: Tensor  # [classes]
    done: Tensor  # steps of this training

    def __init__(self, settings: Pretrain, classes: int, width: int, steps: int) -> None:
        """classes: of the task; width: of the embeddings; steps: of an epoch."""
        super().__init__()
        self.settings, self.steps = settings, steps
        if settings.distance == "cosine":  # all cosines lie in [-1, 1]: without a factor, no class is ever certain
            self.log_inverse_temperature = nn.Parameter(torch.tensor(math.log(10.0)))
        if settings.prototypes == "epoch":
            self.register_buffer("sums", torch.zeros(classes, width))
            self.register_buffer("counts", torch.zeros(classes))
            self.register_buffer("done", torch.zeros((), dtype=torch.long))

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """embeddings: [n, width] float32; labels: [n] 0 .. classes - 1, on the CPU."""
        inverse = self.log_inverse_temperature.exp() if self.settings.distance == "cosine" else 1.0
        if self.settings.prototypes == "epoch":
            return self.epoch_loss(embeddings, put(labels, embeddings.device), inverse)
        return prototypical_loss(embeddings, labels, self.settings.distance, self.settings.prototypes, inverse)[0]

    def epoch_loss(self, embeddings: Tensor, labels: Tensor, inverse_temperature: Tensor | float) -> Tensor:
        """Against the means over all rows of the epoch so far, these included (the report's future work).

        Only this step's rows have a gradient: the others were embedded by weights that are gone.
        """
        if self.done % self.steps == 0:
            self.sums.zero_(), self.counts.zero_()
        sums = self.sums.index_add(0, labels, embeddings)
        counts = self.counts + torch.bincount(labels, minlength=len(self.counts))
        seen = counts > 0
        logits = pairwise_similarity(embeddings, sums[seen] / counts[seen, None], self.settings.distance)
        self.sums, self.counts, self.done = sums.detach(), counts, self.done + 1
        return functional.cross_entropy(inverse_temperature * logits, (seen.cumsum(0) - 1)[labels])


def objective(
    encoder: Encoder,
    tables: Mapping[str, TokenTable],
    tasks: Mapping[str, Task],
    labels: Mapping[str, np.ndarray],
    settings: Pretrain,
    seed: int,
) -> Objective:
    """For each task the prototypical loss of its rows; labels: [rows of the table], of regression they are rounded."""
    steps = steps_per_epoch({name: len(table) for name, table in tables.items()}, settings)
    sizes = {name: task.number_of_classes for name, task in tasks.items()}
    loss = nn.ModuleDict(
        {attribute(name): PrototypicalLoss(settings, n, encoder.width, steps) for name, n in sizes.items()}
    )
    loss.to(encoder.device)

    def losses(rows: Batches) -> dict[str, Tensor]:
        groups = {name: tables[name].sequences_of(r, settings.pair_encoding == "concat") for name, r in rows.items()}
        found = {}
        for name, parts in embed_batch(encoder, groups).items():
            embedding = torch.stack(parts).sum(0)  # f(a) + f(b) (A.2), or the one embedding there is
            classes = class_indices(tasks[name], torch.from_numpy(labels[name][rows[name]]))
            found[name] = loss[attribute(name)](embedding, classes)
        return found

    return Objective(nn.ModuleDict({"encoder": encoder, "loss": loss}), losses, fixed({}))
