"""Scores between two classes belong to both: prototypes and losses of shares in the place of rounded labels.

A score s has the share 1 - f of class ⌊s⌋ and f of class ⌈s⌉, with f = s - ⌊s⌋ (soft ordinal labels: Díaz and Marathe
2019, here linear, so that the mean Σ k y_k of the classes is the score itself). Every other label is its class alone.
"""

import torch
from torch import Tensor
from torch.nn import functional

from protomtl.model.prototypes import pairwise_similarity, rowwise_similarity
from protomtl.tasks.settings import Task
from protomtl.tasks.tensors import class_indices

NOBODY = 1e-6  # rows of a class, below which nothing stands for it


def shares(task: Task, labels: Tensor) -> Tensor:
    """[n, classes] float32 how much of each label [n] each class has; rows sum to 1."""
    classes = task.number_of_classes
    if task.what.has_classes:
        return functional.one_hot(class_indices(task, labels), classes).float()
    place = (labels - task.what.class_of(task.bounds[0])).clamp(0, classes - 1)  # 0.5 is of no class below 1
    below = place.floor().long()
    above = place - below
    found = labels.new_zeros(len(labels), classes, dtype=torch.float32)
    found.scatter_add_(1, below[:, None], (1 - above)[:, None].float())
    return found.scatter_add_(1, (below + 1).clamp(max=classes - 1)[:, None], above[:, None].float())


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """-Σ_k y_k log p_k, mean over the rows; both [n, k], and all logits finite."""
    return functional.cross_entropy(logits, targets.to(logits))


def batch_logits(embeddings: Tensor, targets: Tensor, distance: str) -> tuple[Tensor, Tensor]:
    """Logits and targets [n, k], of the k classes with a share: prototypes are means weighted by shares.

    embeddings: [n, d]; targets: [n, classes] shares. A row counts in its own prototypes (report, appendix A.2).
    """
    counts = targets.sum(0)
    present = counts > NOBODY
    targets, counts = targets[:, present], counts[present]
    return pairwise_similarity(embeddings, targets.t() @ embeddings / counts[:, None], distance), targets


def leave_one_out_logits(embeddings: Tensor, targets: Tensor, distance: str) -> tuple[Tensor, Tensor]:
    """As `batch_logits`, but a row takes no part in the prototypes that it is compared with.

    Rows that are alone in one of their classes are left out: nothing stands for it.
    """
    logits, targets = batch_logits(embeddings, targets, distance)
    counts, sums = targets.sum(0), targets.t() @ embeddings
    row, column = targets.nonzero(as_tuple=True)
    left = counts[column] - targets[row, column]
    own = (sums[column] - targets[row, column, None] * embeddings[row]) / left.clamp(min=NOBODY)[:, None]
    logits = logits.index_put((row, column), rowwise_similarity(embeddings[row], own, distance))
    kept = torch.ones(len(targets), dtype=torch.bool, device=targets.device).index_fill(0, row[left <= NOBODY], False)
    return logits[kept], targets[kept]


LOGITS = {"batch": batch_logits, "leave_one_out": leave_one_out_logits}
