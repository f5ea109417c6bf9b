"""The prototypical step against numbers worked by hand and against a line-by-line port of appendix A.2."""

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from protomtl import config, prototypes

from .conftest import ROOT


def test_prototypes_are_the_means_of_the_classes_present() -> None:
    embeddings = torch.tensor([[0.0, 0.0], [2.0, 0.0], [5.0, 5.0]])
    means, place = prototypes.class_prototypes(embeddings, torch.tensor([3, 3, 1]))
    assert means.tolist() == [[5.0, 5.0], [1.0, 0.0]]  # class 1, then class 3
    assert place.tolist() == [1, 1, 0]


def test_logits_are_negative_distances_worked_by_hand() -> None:
    query, centre = torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 4.0], [0.0, 2.0]])
    assert prototypes.negative_distances(query, centre, "euclidean").tolist() == [[-5.0, -2.0]]
    assert prototypes.negative_distances(query, centre, "squared_euclidean").tolist() == [[-25.0, -4.0]]


def test_loss_worked_by_hand() -> None:
    # Prototypes (1, 0) and (5, 0). Distances: 1, 5 | 1, 3 | 4, 0, so the losses are log(1 + e^-4), log(1 + e^-2)
    # and log(1 + e^-4); their mean is (0.0181499 + 0.1269280 + 0.0181499) / 3 = 0.0544093.
    embeddings = torch.tensor([[0.0, 0.0], [2.0, 0.0], [5.0, 0.0]])
    loss, accuracy = prototypes.prototypical_loss(embeddings, torch.tensor([0, 0, 1]))
    assert loss.item() == pytest.approx(0.0544093, abs=1e-6)
    assert accuracy.item() == 1.0


def appendix_a2(latents: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """The pseudocode of appendix A.2, line by line, with plain Python containers."""
    assert labels.dtype == torch.int64
    label_map = {label: number for number, label in enumerate(sorted(set(labels.tolist())))}
    new_labels = torch.tensor([label_map[label] for label in labels.tolist()])
    class_vectors: dict[int, list[Tensor]] = {}
    for latent, label in zip(latents, new_labels.tolist(), strict=True):
        class_vectors.setdefault(label, []).append(latent)
    means: dict[int, Any] = {}
    for key in class_vectors:
        means[key] = torch.mean(torch.stack(class_vectors[key]), dim=0)
    protos = torch.stack([means[key] for key in sorted(means.keys())])
    logits = -torch.cdist(latents, protos)
    return functional.cross_entropy(logits, new_labels), (logits.argmax(1) == new_labels).float().mean()


def test_the_nearest_prototype_predicts_worked_by_hand() -> None:
    examples = torch.tensor([[0.0, 0.0], [2.0, 0.0], [5.0, 5.0]])  # prototypes (1, 0) of class 3 and (5, 5) of class 1
    queries = torch.tensor([[0.0, 1.0], [4.0, 9.0], [3.0, 2.5]])  # the last is as near to both: the smaller class
    assert prototypes.nearest_class(queries, examples, torch.tensor([3, 3, 1])).tolist() == [3, 1, 1]


@given(st.integers(1, 30), st.integers(1, 6), st.integers(0, 2**31))
def test_the_nearest_prototype_equals_a_search_one_by_one(rows: int, classes: int, seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    queries, examples = (torch.randn(n, 4, generator=random, dtype=torch.float64) for n in (7, rows))
    labels = torch.randint(0, classes, (rows,), generator=random) * 2
    expected = []
    for query in queries:
        distance = {}
        for label in set(labels.tolist()):
            members = [e for e, own in zip(examples, labels.tolist(), strict=True) if own == label]
            distance[label] = (query - sum(members) / len(members)).norm().item()
        expected.append(min(distance, key=lambda label: distance[label]))
    assert prototypes.nearest_class(queries, examples, labels).tolist() == expected


@given(st.integers(1, 40), st.integers(1, 6), st.integers(0, 2**31))
def test_equals_the_pseudocode_of_the_appendix(rows: int, classes: int, seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    latents = torch.randn(rows, 8, generator=random, dtype=torch.float64, requires_grad=True)
    labels = torch.randint(0, classes, (rows,), generator=random)
    ours, theirs = prototypes.prototypical_loss(latents, labels), appendix_a2(latents, labels)
    assert torch.allclose(ours[0], theirs[0])
    assert ours[1] == theirs[1]
    gradients = [torch.autograd.grad(loss, latents)[0] for loss in (ours[0], theirs[0])]
    assert torch.allclose(*gradients, atol=1e-9)


def test_gradient_is_finite_for_a_class_of_one() -> None:
    embeddings = torch.randn(3, 4, requires_grad=True)
    prototypes.prototypical_loss(embeddings, torch.tensor([0, 0, 1]))[0].backward()  # type: ignore[no-untyped-call]
    assert embeddings.grad is not None and torch.isfinite(embeddings.grad).all()


def test_gradient_against_finite_differences() -> None:
    embeddings = torch.randn(6, 3, dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([0, 1, 0, 2, 1, 0])
    for distance in ("euclidean", "squared_euclidean"):
        check = lambda x, d=distance: prototypes.prototypical_loss(x, labels, d)[0]  # noqa: E731
        assert torch.autograd.gradcheck(check, (embeddings,))


def test_halves_are_rounded_away_from_zero() -> None:
    values = torch.tensor([0.0, 0.49, 0.5, 1.5, 2.5, 4.5, 4.49, -0.5, -1.5])
    assert prototypes.round_half_away(values).tolist() == [0, 0, 1, 2, 3, 5, 4, -1, -2]


def test_similarity_scores_become_six_classes() -> None:
    task = config.load(ROOT / "params.yaml").tasks["sts"]
    scores = torch.arange(0, 51) / 10
    assert prototypes.class_labels(task, scores).unique().tolist() == [0, 1, 2, 3, 4, 5]
