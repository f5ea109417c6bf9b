"""The prototypical loss of one task, for both phases, with what it learns and remembers (report §4.3, A.2)."""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from protomtl.model import readout
from protomtl.model.device import put
from protomtl.model.heads import attribute
from protomtl.model.multitask import in_blocks
from protomtl.model.prototypes import all_prototypes, pairwise_similarity, prototypical_loss
from protomtl.seeds import some_rows
from protomtl.tasks.settings import Task
from protomtl.tasks.tensors import class_indices
from protomtl.training import ordinal
from protomtl.training.settings import Distances

MOMENTUM = 0.9  # share of the old mean in the moving one (`average`)
FITTED_ON = 1000  # rows that the first scale is fitted on: the means of one half, the likeliest scale of the other
COSINE = 10.0  # the first factor on cosines, which lie in [-1, 1]: without one, no class is ever certain
KEPT = ("average", "train")  # means that are kept from step to step, as numbers: no gradient goes into them


class Rows(NamedTuple):
    """The train split of a task: labels [rows], and what gives some rows' vectors [n, width] without a graph."""

    labels: np.ndarray
    embed: Callable[[np.ndarray], Tensor]


class PrototypicalLoss(nn.Module):
    """The loss of one task: of a step's vectors [n, width] and their labels."""

    sums: Tensor  # [classes, width] of the epoch's vectors so far
    counts: Tensor  # [classes]
    means: Tensor  # [classes, width], NaN for a class that was not seen
    done: Tensor  # steps of this training
    log_prior: Tensor  # [classes] of the train split

    def __init__(self, task: Task, settings: Distances, kind: str, width: int, steps: int, train: Rows) -> None:
        """kind: what the means are of; steps: of an epoch."""
        super().__init__()
        self.task, self.settings, self.kind, self.steps, self.train_rows = task, settings, kind, steps, train
        classes = task.number_of_classes
        self.scaled = settings.distance == "cosine" or settings.scale_lr > 0 or settings.scale == "fitted"
        if self.scaled:
            first = COSINE if settings.distance == "cosine" else 1.0
            self.log_inverse_temperature = nn.Parameter(torch.tensor(math.log(first)))
            self.log_inverse_temperature.requires_grad_(settings.distance == "cosine" or settings.scale_lr > 0)
        if settings.prior:
            prior = ordinal.shares(task, torch.tensor(train.labels)).mean(0).log()
            self.register_buffer("log_prior", prior, persistent=False)
        if kind in ("epoch", *KEPT):
            self.register_buffer("done", torch.zeros((), dtype=torch.long))
        if kind == "epoch":
            self.register_buffer("sums", torch.zeros(classes, width))
            self.register_buffer("counts", torch.zeros(classes))
        if kind in KEPT:
            self.register_buffer("means", torch.full((classes, width), torch.nan))

    @torch.no_grad()
    def fit_scale(self, seed: int, name: str) -> None:
        """Begin with the factor τ under which one half of some training rows is likeliest by the means of the other."""
        rows = some_rows(len(self.train_rows.labels), FITTED_ON, seed, "scale", name)
        vectors = self.train_rows.embed(rows)
        classes = class_indices(self.task, torch.from_numpy(self.train_rows.labels[rows])).to(vectors.device)
        halves = (vectors[::2], classes[::2]), (vectors[1::2], classes[1::2])
        found = readout.fit(*halves[0], self.task.number_of_classes, *halves[1], self.settings.distance)
        self.log_inverse_temperature.fill_(math.log(found.scale))

    def forward(self, vectors: Tensor, labels: Tensor) -> Tensor:
        """vectors: [n, width] float32; labels: [n] as the task has them, on the CPU."""
        inverse = self.log_inverse_temperature.exp() if self.scaled else 1.0
        prior = self.log_prior if self.settings.prior else None
        if self.settings.values == "between" and not self.task.what.has_classes:
            return self.loss_of_shares(vectors, put(ordinal.shares(self.task, labels), vectors.device), inverse, prior)
        classes = class_indices(self.task, labels)
        if self.kind == "epoch":
            return self.epoch_loss(vectors, put(classes, vectors.device), inverse, prior)
        if self.kind in KEPT:
            shares = functional.one_hot(classes, len(self.means)).float()
            return self.kept_loss(vectors, put(shares, vectors.device), inverse, prior)
        return prototypical_loss(vectors, classes, self.settings.distance, self.kind, inverse, prior)

    def loss_of_shares(self, vectors: Tensor, targets: Tensor, inverse: Tensor | float, prior: Tensor | None) -> Tensor:
        """Of scores that belong to two classes; targets: [n, classes]."""
        if self.kind in KEPT:
            return self.kept_loss(vectors, targets, inverse, prior)
        present = targets.sum(0) > ordinal.NOBODY
        logits, targets = ordinal.LOGITS[self.kind](vectors, targets, self.settings.distance)
        if not len(targets):
            return 0 * vectors.sum()
        return ordinal.cross_entropy(adjusted(inverse * logits, prior, present), targets)

    def epoch_loss(self, vectors: Tensor, labels: Tensor, inverse: Tensor | float, prior: Tensor | None) -> Tensor:
        """Against the means over all rows of the epoch so far, these included (the report's future work).

        Only this step's rows have a gradient: the others were embedded by weights that are gone.
        """
        if self.done % self.steps == 0:
            self.sums.zero_(), self.counts.zero_()
        sums = self.sums.index_add(0, labels, vectors)
        counts = self.counts + torch.bincount(labels, minlength=len(self.counts))
        seen = counts > 0
        logits = pairwise_similarity(vectors, sums[seen] / counts[seen, None], self.settings.distance)
        self.sums, self.counts, self.done = sums.detach(), counts, self.done + 1
        return functional.cross_entropy(adjusted(inverse * logits, prior, seen), (seen.cumsum(0) - 1)[labels])

    def kept_loss(self, vectors: Tensor, targets: Tensor, inverse: Tensor | float, prior: Tensor | None) -> Tensor:
        """Against means that were kept; targets: [n, classes].

        `average`: moving ones, c ← m c + (1 - m) c_step after each step; a class begins with its first step's mean,
        and rows of classes that no earlier step had are left out. `train`: of the whole train split, anew in each
        epoch (the report's future work).
        """
        if self.kind == "train" and self.done % self.steps == 0:
            self.means = self.means_of_all().to(self.means)
        seen = ~self.means[:, 0].isnan()
        kept = targets[:, ~seen].sum(1) == 0
        means, self.done = self.means[seen], self.done + 1
        if self.kind == "average":
            self.means = moved(self.means, vectors.detach(), targets)
        if not kept.any():
            return 0 * vectors.sum()
        logits = pairwise_similarity(vectors[kept], means, self.settings.distance)
        return ordinal.cross_entropy(adjusted(inverse * logits, prior, seen), targets[kept][:, seen])

    def means_of_all(self) -> Tensor:
        """[classes, width] of the whole train split, as the encoder is now; without dropout."""
        vectors = torch.cat([self.train_rows.embed(rows) for rows in in_blocks(len(self.train_rows.labels))])
        classes = class_indices(self.task, torch.tensor(self.train_rows.labels)).to(vectors.device)
        return all_prototypes(vectors, classes, self.task.number_of_classes)


def losses_of_tasks(
    tasks: Mapping[str, Task],
    settings: Distances,
    kind: str,
    widths: Mapping[str, int],
    steps: int,
    rows: Mapping[str, Rows],
    device: torch.device,
    seed: int,
) -> nn.ModuleDict:
    """The loss of each task, by `attribute` of its name, with a fitted first scale if the settings want one.

    kind, steps: as of PrototypicalLoss; widths, rows: of each task.
    """
    found = {n: PrototypicalLoss(t, settings, kind, widths[n], steps, rows[n]).to(device) for n, t in tasks.items()}
    for name, loss in found.items() if settings.scale == "fitted" else ():
        loss.fit_scale(seed, name)
    return nn.ModuleDict({attribute(name): loss for name, loss in found.items()})


def adjusted(logits: Tensor, log_prior: Tensor | None, columns: Tensor) -> Tensor:
    """Logits [n, k] with the class's frequency added (Menon et al. 2021, eq. 9), so that the vectors need not hold it.

    log_prior: [classes]; columns: [classes] whether a class has a column.
    """
    return logits if log_prior is None else logits + log_prior[columns]


def moved(means: Tensor, vectors: Tensor, targets: Tensor) -> Tensor:
    """The moving means [classes, width] after a step of vectors [n, width] with shares [n, classes]."""
    counts = targets.sum(0)
    now = targets.t() @ vectors / counts[:, None]
    after = torch.where(means.isnan(), now, MOMENTUM * means + (1 - MOMENTUM) * now)
    return torch.where(counts[:, None] > ordinal.NOBODY, after, means)


def scale_rates(losses: nn.ModuleDict, place: str, rate: float) -> dict[str, float]:
    """The rate of each learned factor, by its name; none if the rate is 0."""
    names = [name for name, factor in losses.named_parameters() if factor.requires_grad]
    return {f"{place}.{name}": rate for name in names if rate}
