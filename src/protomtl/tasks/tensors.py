"""What a kind of task means for tensors: the loss of a head's outputs, their probabilities, how far two outputs are
apart, and the classes of prototypes. The other half is kinds.py."""

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from protomtl.tasks.settings import Task


class Meaning:
    """Of a softmax over classes (report §5.3: cross entropy)."""

    term_scale = 1.0  # of the loss in Kendall et al. 2018, eq. 10: cross entropy whole, a squared error half

    def loss(self, task: Task, outputs: Tensor, labels: Tensor, smoothing: float) -> Tensor:
        targets = soft_labels(task, smoothing, outputs.device).to(outputs)
        return functional.cross_entropy(outputs, targets[labels.long()])

    def log_probabilities(self, outputs: Tensor) -> Tensor:
        """[n, classes]"""
        return outputs.log_softmax(1)

    def probabilities(self, outputs: Tensor) -> Tensor:
        """[n, classes]"""
        return outputs.softmax(1)

    def divergence(self, a: Tensor, b: Tensor) -> Tensor:
        """KL(a ‖ b) + KL(b ‖ a) of the distributions, mean over the rows."""
        a, b = self.log_probabilities(a), self.log_probabilities(b)
        return ((a.exp() - b.exp()) * (a - b)).sum(1).mean()

    def chance_loss(self, task: Task, labels: np.ndarray) -> float:
        """log n of n classes (MUPPET, §3.2)."""
        return math.log(task.number_of_classes)

    def classes(self, labels: Tensor) -> Tensor:
        return labels.long()


class Sigmoid(Meaning):
    """Of one logit, that of yes (§5.3: binary cross entropy)."""

    def loss(self, task: Task, outputs: Tensor, labels: Tensor, smoothing: float) -> Tensor:
        return functional.binary_cross_entropy_with_logits(outputs[:, 0], labels + smoothing * (0.5 - labels))

    def log_probabilities(self, outputs: Tensor) -> Tensor:
        return torch.cat([functional.logsigmoid(-outputs), functional.logsigmoid(outputs)], dim=1)

    def probabilities(self, outputs: Tensor) -> Tensor:
        positive = outputs.sigmoid()
        return torch.cat([1 - positive, positive], dim=1)


class Value(Meaning):
    """Of the label itself (§5.3: mean squared error)."""

    term_scale = 0.5

    def loss(self, task: Task, outputs: Tensor, labels: Tensor, smoothing: float) -> Tensor:
        return functional.mse_loss(outputs[:, 0], labels)

    def probabilities(self, outputs: Tensor) -> Tensor:
        """[n, 1] the value as it is."""
        return outputs

    def divergence(self, a: Tensor, b: Tensor) -> Tensor:
        return functional.mse_loss(a, b)

    def chance_loss(self, task: Task, labels: np.ndarray) -> float:
        """MUPPET has no regression task: the variance of the training labels, the loss of their mean."""
        return float(np.var(labels))

    def classes(self, labels: Tensor) -> Tensor:
        return round_half_away(labels).long()


class Sigmoids(Meaning):
    """Of a logit for each class, which is there or not: the mean of their binary cross entropies."""

    def loss(self, task: Task, outputs: Tensor, labels: Tensor, smoothing: float) -> Tensor:
        there = bits(labels, outputs.shape[1]).to(outputs)
        return functional.binary_cross_entropy_with_logits(outputs, there + smoothing * (0.5 - there))

    def probabilities(self, outputs: Tensor) -> Tensor:
        """[n, classes], each by itself."""
        return outputs.sigmoid()

    def divergence(self, a: Tensor, b: Tensor) -> Tensor:
        """The sum over the classes of that of two Bernoulli distributions, mean over the rows."""
        return ((a.sigmoid() - b.sigmoid()) * (a - b)).sum(1).mean()

    def chance_loss(self, task: Task, labels: np.ndarray) -> float:
        return math.log(2)

    def classes(self, labels: Tensor) -> Tensor:
        """The first class of each row, -1 for none."""
        there = bits(labels, 53)
        return torch.where(there.any(1), there.int().argmax(1), -1)


MEANINGS: dict[str, Meaning] = {
    "classification": Meaning(),
    "binary": Sigmoid(),
    "regression": Value(),
    "multilabel": Sigmoids(),
}


def bits(labels: Tensor, classes: int) -> Tensor:
    """[n, classes] whether a row has the class, of labels [n] of a multilabel task."""
    return (labels.long()[:, None] >> torch.arange(classes, device=labels.device)).bitwise_and(1).bool()


def task_loss(task: Task, outputs: Tensor, labels: Tensor, smoothing: float = 0.0) -> Tensor:
    """The loss of a head's outputs [n, outputs] (§5.3): cross entropy, binary cross entropy with a sigmoid,
    or mean squared error against the label itself. labels: [n] float; smoothing: of class labels."""
    return MEANINGS[task.kind].loss(task, outputs, labels, smoothing)


def soft_labels(task: Task, smoothing: float, device: torch.device | None = None) -> Tensor:
    """[classes, classes] the distribution that stands for each label of a classification task; on the CPU without
    `device`.

    `smoothing` of it is shared by all classes (Szegedy et al. 2016), or, if they are ordered, by its neighbours.
    """
    classes = task.number_of_classes
    others, own = torch.ones(classes, classes, device=device), torch.eye(classes, device=device)
    if task.ordered:
        others = others.tril(1).triu(-1) - own
    return (1 - smoothing) * own + smoothing * others / others.sum(1, keepdim=True)


def probabilities(task: Task, outputs: Tensor) -> Tensor:
    """[n, classes] class probabilities; for regression [n, 1] the value as it is."""
    return MEANINGS[task.kind].probabilities(outputs)


def divergence(task: Task, a: Tensor, b: Tensor) -> Tensor:
    """KL(a ‖ b) + KL(b ‖ a) of the distributions that two outputs [n, outputs] stand for, mean over the rows;
    of regression the squared difference."""
    return MEANINGS[task.kind].divergence(a, b)


def chance_loss(task: Task, labels: np.ndarray) -> float:
    """What a guess costs, so that every task's loss begins near 1 when divided by it; labels: [n] of the training rows.

    log n of n classes (MUPPET, §3.2); for values the variance of the labels.
    """
    return MEANINGS[task.kind].chance_loss(task, labels)


def round_half_away(values: Tensor) -> Tensor:
    """Round to integers, halves away from zero (0.5 -> 1, 2.5 -> 3, -0.5 -> -1), as the STS scores become classes."""
    return torch.sign(values) * torch.floor(values.abs() + 0.5)


def class_labels(task: Task, labels: Tensor) -> Tensor:
    """[n] integer classes: the labels themselves, or the rounded values of a regression task (report §4.3)."""
    return MEANINGS[task.kind].classes(labels)


def class_indices(task: Task, labels: Tensor) -> Tensor:
    """[n] class_labels, counted from 0 for the smallest."""
    return class_labels(task, labels) - task.what.class_of(task.bounds[0])


def as_classes(task: Task) -> Task:
    """The task as prototypical pre-training sees it: a class for each (rounded) label."""
    more = {"kind": "classification", "classes": task.number_of_classes, "range": None, "ordered": False}
    return task.model_copy(update=more)
