"""Prototypical step: each class is the mean of its embeddings, an embedding is classified by its distance to them."""

import torch
from torch import Tensor
from torch.nn import functional

from protomtl.config import Task


def round_half_away(values: Tensor) -> Tensor:
    """Round to integers, halves away from zero (0.5 -> 1, 2.5 -> 3, -0.5 -> -1), as the STS scores become classes."""
    return torch.sign(values) * torch.floor(values.abs() + 0.5)


def class_labels(task: Task, labels: Tensor) -> Tensor:
    """[n] integer classes: the labels themselves, or the rounded values of a regression task (report §4.3)."""
    return (round_half_away(labels) if task.kind == "regression" else labels).long()


def class_prototypes(embeddings: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Means c_k of the embeddings of each class that is present (report §4.3; Snell et al. 2017, eq. 1).

    embeddings: [n, d]; labels: [n] integers.
    Returns the prototypes [k, d], in the order of their labels, and for each row the place of its class [n].
    """
    classes, place = torch.unique(labels, return_inverse=True)
    counts = torch.bincount(place, minlength=len(classes)).to(embeddings.dtype)
    sums = embeddings.new_zeros(len(classes), embeddings.shape[1]).index_add(0, place, embeddings)
    return sums / counts[:, None], place


def negative_distances(embeddings: Tensor, prototypes: Tensor, distance: str) -> Tensor:
    """Logits [n, k] = -|q - c_k| (report §4.3), or its square (`squared_euclidean`, Snell et al. 2017)."""
    if distance == "squared_euclidean":
        return -(embeddings[:, None] - prototypes[None]).square().sum(-1)
    # Not by matrix product: that loses the small distances that matter, and its gradient at 0 is not 0.
    return -torch.cdist(embeddings, prototypes, compute_mode="donot_use_mm_for_euclid_dist")


def nearest_class(embeddings: Tensor, examples: Tensor, labels: Tensor) -> Tensor:
    """[n] class of the nearest prototype: prediction without a head (report §4.3; Snell et al. 2017, eq. 2).

    embeddings: [n, d]; examples: [m, d], of which the prototypes are the means; labels: [m] integers.
    The nearest is the same by euclidean and by squared distance; of equally near ones it is the smallest class.
    """
    prototypes, _ = class_prototypes(examples, labels)
    classes: Tensor = torch.unique(labels)  # in the order of the prototypes
    return classes[negative_distances(embeddings, prototypes, "euclidean").argmax(1)]


def prototypical_loss(embeddings: Tensor, labels: Tensor, distance: str = "euclidean") -> tuple[Tensor, Tensor]:
    """Cross entropy over the distances to the batch's prototypes, and the accuracy (report, appendix A.2).

    embeddings: [n, d], float32; labels: [n] integers. A row counts in its own prototype, as in the paper.
    """
    prototypes, place = class_prototypes(embeddings, labels)
    logits = negative_distances(embeddings, prototypes, distance)
    return functional.cross_entropy(logits, place), (logits.argmax(1) == place).float().mean()
