"""The prototypical losses of fine-tuning, beside the heads' own."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from torch import Tensor, nn

from protomtl.model.heads import attribute, class_vectors
from protomtl.model.multitask import MultiTaskModel
from protomtl.model.sequences import TokenTable
from protomtl.tasks.settings import Task
from protomtl.training.prototypical_loss import Rows, losses_of_tasks, scale_rates
from protomtl.training.settings import Finetune


class Joint(NamedTuple):
    """The prototypical losses of fine-tuning, beside the heads'."""

    modules: nn.ModuleDict  # of each task
    related: frozenset[str]  # tasks whose vectors are what relates two texts
    scale_lr: float

    def loss(self, name: str, parts: Sequence[Tensor], labels: Tensor) -> Tensor:
        """Of a task's embeddings [n, width] of each sequence group and labels [n], on the CPU."""
        found: Tensor = self.modules[attribute(name)](class_vectors(parts, name in self.related), labels)
        return found

    def rates(self, place: str) -> dict[str, float]:
        """The rates of the factors on distances, by their names in the model that has these losses as `place`."""
        return scale_rates(self.modules, place, self.scale_lr)


def joint_prototypes(
    model: MultiTaskModel,
    tables: Mapping[str, TokenTable],
    tasks: Mapping[str, Task],
    settings: Finetune,
    steps: int,
    seed: int,
) -> Joint | None:
    """The prototypical loss of each task, of the vectors that heads have: of texts apart their sum or, with `combine:
    relation`, what relates them. None where it has no weight."""
    own = settings.prototypes
    if not own.weight:
        return None

    apart = [name for name, task in tasks.items() if task.pair and settings.encoding_of(name) == "separate"]
    related = frozenset(apart if settings.combine == "relation" else ())

    def embedded(name: str, rows: np.ndarray) -> Tensor:
        return class_vectors(model.embed(tables[name], rows), name in related)

    rows = {name: Rows(np.asarray(tables[name].labels), partial(embedded, name)) for name in tasks}
    widths = {name: model.encoder.width * (1 + (name in related)) for name in tasks}
    modules = losses_of_tasks(tasks, own, own.kind, widths, steps, rows, model.encoder.device, seed)
    return Joint(modules, related, own.scale_lr)
