"""Losses of equal size: values weigh the inverse of their variance, and their heads begin at the mean.

A head of values that begins at 0 has the loss var + mean². For scores of 0 to 5 that is several times what a guess
costs, and its gradient leads the first steps. The correlation cares for neither scale nor shift.
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch import nn

from protomtl.model.heads import attribute
from protomtl.tasks.settings import Task
from protomtl.tasks.tensors import chance_loss


def known_chance(name: str, task: Task, labels: np.ndarray) -> float:
    """`chance_loss`, if it is above 0. SystemExit for a task of values that are all equal."""
    found = chance_loss(task, labels)
    if not found:
        raise SystemExit(
            f"tasks.{name}: all labels of the train split are {labels[0]:g}; the loss is divided by their variance"
        )
    return found


def weights(tasks: Mapping[str, Task], labels: Mapping[str, np.ndarray]) -> dict[str, float]:
    """1 / variance of the training labels [n] of each task of values, as if these were standardised."""
    return {n: 1 / known_chance(n, task, labels[n]) for n, task in tasks.items() if not task.what.has_classes}


@torch.no_grad()
def begin_at_mean(heads: nn.ModuleDict, tasks: Mapping[str, Task], labels: Mapping[str, np.ndarray]) -> None:
    """Set the bias of each head of values to the mean of its training labels [n]; a cosine has no bias."""
    for name, task in tasks.items():
        for layer in heads[attribute(name)].modules() if not task.what.has_classes else ():
            if isinstance(layer, nn.Linear) and layer.out_features == 1:
                layer.bias.fill_(float(np.mean(labels[name])))
