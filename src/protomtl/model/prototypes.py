"""Prototypical step: each class is the mean of its embeddings, an embedding is classified by its distance to them."""

import torch
from torch import Tensor
from torch.nn import functional

from protomtl.model.device import put

DISTANCES = ("euclidean", "squared_euclidean", "cosine")


def class_prototypes(embeddings: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Means c_k of the embeddings of each class that is present (report §4.3; Snell et al. 2017, eq. 1).

    embeddings: [n, d]; labels: [n] integers, there or on the CPU: of labels on a GPU, the CPU waits for the number of
    classes. Returns the prototypes [k, d], in the order of their labels, and for each row the place of its class [n].
    """
    classes, place = torch.unique(labels, return_inverse=True)
    counts = torch.bincount(place, minlength=len(classes)).to(embeddings.dtype)
    place, counts = put(place, embeddings.device), put(counts, embeddings.device)
    sums = embeddings.new_zeros(len(classes), embeddings.shape[1]).index_add(0, place, embeddings)
    return sums / counts[:, None], place


def all_prototypes(embeddings: Tensor, labels: Tensor, classes: int) -> Tensor:
    """[classes, d] the mean of each class, of labels from 0; NaN for a class without a row."""
    found = embeddings.new_full((classes, embeddings.shape[1]), torch.nan)
    found[torch.unique(labels)] = class_prototypes(embeddings, labels)[0]
    return found


def pairwise_similarity(embeddings: Tensor, prototypes: Tensor, distance: str) -> Tensor:
    """Logits [n, k] of embeddings [n, d] and prototypes [k, d]: -|q - c_k| (`euclidean`, report §4.3), its square
    (`squared_euclidean`, Snell et al. 2017) or the cosine of q and c_k (`cosine`). ValueError for another distance."""
    if distance not in DISTANCES:
        raise ValueError(f"distance={distance!r}: must be one of {', '.join(DISTANCES)}")
    if distance == "cosine":
        return functional.normalize(embeddings, dim=1) @ functional.normalize(prototypes, dim=1).t()
    # Not by matrix product: that loses the small distances that matter, and its gradient at 0 is not 0.
    distances = torch.cdist(embeddings, prototypes, compute_mode="donot_use_mm_for_euclid_dist")
    # torch has no pairwise squared distance that avoids an [n, k, d] tensor, so cdist's result is squared.
    return -(distances.square() if distance == "squared_euclidean" else distances)


def rowwise_similarity(a: Tensor, b: Tensor, distance: str) -> Tensor:
    """[n] of each row of a with the same row of b, both [n, d]; see `pairwise_similarity`."""
    if distance == "cosine":
        return functional.cosine_similarity(a, b, dim=1)
    if distance == "squared_euclidean":
        return -(a - b).square().sum(1)
    distances: Tensor = torch.linalg.vector_norm(a - b, dim=1)
    return -distances


def predict(embeddings: Tensor, examples: Tensor, labels: Tensor) -> Tensor:
    """[n] class of the nearest prototype: prediction without a head (report §4.3; Snell et al. 2017, eq. 2).

    embeddings: [n, d]; examples: [m, d], of which the prototypes are the means; labels: [m] integers.
    The nearest is the same by euclidean and by squared distance; of equally near ones it is the smallest class.
    """
    prototypes, _ = class_prototypes(examples, labels)
    classes: Tensor = torch.unique(labels)  # in the order of the prototypes
    return classes[pairwise_similarity(embeddings, prototypes, "euclidean").argmax(1)]


def predict_proba(embeddings: Tensor, examples: Tensor, labels: Tensor, classes: int) -> Tensor:
    """[n, classes] probabilities by the distance to the prototypes (report §4.3), 0 for a class without an example.

    embeddings, examples, labels: as of `predict`, the labels from 0.
    """
    prototypes, _ = class_prototypes(examples, labels)
    found = embeddings.new_zeros(len(embeddings), classes)
    found[:, torch.unique(labels)] = pairwise_similarity(embeddings, prototypes, "euclidean").softmax(1)
    return found


def batch_logits(embeddings: Tensor, labels: Tensor, distance: str) -> tuple[Tensor, Tensor]:
    """Logits [n, k] and targets [n]: a row counts in its own prototype (report, appendix A.2)."""
    prototypes, place = class_prototypes(embeddings, labels)
    return pairwise_similarity(embeddings, prototypes, distance), place


def leave_one_out_logits(embeddings: Tensor, labels: Tensor, distance: str) -> tuple[Tensor, Tensor]:
    """As `batch_logits`, but the prototype of a row's own class is the mean of the class's *other* rows.

    Rows that are alone in their class are left out: nothing stands for their class.
    """
    prototypes, _ = class_prototypes(embeddings, labels)
    _, place, sizes = torch.unique(labels, return_inverse=True, return_counts=True)
    kept = (sizes[place] > 1).nonzero()[:, 0]
    place = place[kept]
    kept, place, counts = (put(values, embeddings.device) for values in (kept, place, sizes[place][:, None]))
    rows = embeddings[kept]
    own = (prototypes[place] * counts - rows) / (counts - 1)
    logits = pairwise_similarity(rows, prototypes, distance)
    return logits.scatter(1, place[:, None], rowwise_similarity(rows, own, distance)[:, None]), place


def episode_logits(embeddings: Tensor, labels: Tensor, distance: str) -> tuple[Tensor, Tensor]:
    """A random half of each class gives its prototype (support), the other half is classified (query).

    Snell et al. 2017, algorithm 1. Classes with a single row are left out. Drawn from torch's generator.
    """
    _, place = torch.unique(labels, return_inverse=True)
    order = torch.randperm(len(place), device=place.device)
    order = order[place[order].argsort(stable=True)]  # class by class, in random order within
    counts = torch.bincount(place)
    within = torch.arange(len(place), device=place.device) - (counts.cumsum(0) - counts)[place[order]]
    half = counts[place[order]] // 2
    support, query = order[within < half], order[(within >= half) & (half > 0)]
    classes, asked = torch.unique(labels[support]), labels[query]
    chosen, query = put(support, embeddings.device), put(query, embeddings.device)
    prototypes, _ = class_prototypes(embeddings[chosen], labels[support])
    targets = put(torch.searchsorted(classes, asked), embeddings.device)
    return pairwise_similarity(embeddings[query], prototypes, distance), targets


LOGITS = {"batch": batch_logits, "leave_one_out": leave_one_out_logits, "episode": episode_logits}


def prototypical_loss(
    embeddings: Tensor,
    labels: Tensor,
    distance: str = "euclidean",
    prototypes: str = "batch",
    inverse_temperature: Tensor | float = 1.0,
    log_prior: Tensor | None = None,
) -> Tensor:
    """Cross entropy over the similarities to the batch's prototypes (report, appendix A.2).

    embeddings: [n, d], float32; labels: [n] integers, as of `class_prototypes`; prototypes: a key of LOGITS; log_prior:
    [classes], added to the logits (Menon et al. 2021, eq. 9), of labels from 0.
    """
    logits, place = LOGITS[prototypes](embeddings, labels, distance)
    if not len(place):  # no class has two rows, which leave_one_out and episode need
        return 0 * embeddings.sum()
    scaled = inverse_temperature * logits
    if log_prior is not None:
        present, counts = torch.unique(labels, return_counts=True)
        there = present[counts > 1] if prototypes == "episode" else present
        scaled = scaled + log_prior[put(there, log_prior.device)]
    return functional.cross_entropy(scaled, place)
