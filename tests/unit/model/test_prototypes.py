"""The prototypical step against numbers worked by hand and against a line-by-line port of appendix A.2."""

import math
import subprocess
import sys
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from protomtl import params
from protomtl.model import prototypes
from protomtl.tasks import tensors
from tests.support import ROOT
from tests.support.commands import environment


def test_prototypes_are_the_means_of_the_classes_present() -> None:
    embeddings = torch.tensor([[0.0, 0.0], [2.0, 0.0], [5.0, 5.0]])
    means, place = prototypes.class_prototypes(embeddings, torch.tensor([3, 3, 1]))
    assert means.tolist() == [[5.0, 5.0], [1.0, 0.0]]  # class 1, then class 3
    assert place.tolist() == [1, 1, 0]


def test_logits_are_similarities_worked_by_hand() -> None:
    query, centre = torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 4.0], [0.0, 2.0]])
    assert prototypes.pairwise_similarity(query, centre, "euclidean").tolist() == [[-5.0, -2.0]]
    assert prototypes.pairwise_similarity(query, centre, "squared_euclidean").tolist() == [[-25.0, -4.0]]


def test_loss_worked_by_hand() -> None:
    # Prototypes (1, 0) and (5, 0). Distances: 1, 5 | 1, 3 | 4, 0, so the losses are log(1 + e^-4), log(1 + e^-2)
    # and log(1 + e^-4); their mean is (0.0181499 + 0.1269280 + 0.0181499) / 3 = 0.0544093.
    embeddings = torch.tensor([[0.0, 0.0], [2.0, 0.0], [5.0, 0.0]])
    loss = prototypes.prototypical_loss(embeddings, torch.tensor([0, 0, 1]))
    assert loss.item() == pytest.approx(0.0544093, abs=1e-6)


def appendix_a2(latents: Tensor, labels: Tensor) -> Tensor:
    """The loss of the pseudocode of appendix A.2, line by line, with plain Python containers."""
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
    return functional.cross_entropy(logits, new_labels)


def test_the_nearest_prototype_predicts_worked_by_hand() -> None:
    examples = torch.tensor([[0.0, 0.0], [2.0, 0.0], [5.0, 5.0]])  # prototypes (1, 0) of class 3 and (5, 5) of class 1
    queries = torch.tensor([[0.0, 1.0], [4.0, 9.0], [3.0, 2.5]])  # the last is as near to both: the smaller class
    assert prototypes.predict(queries, examples, torch.tensor([3, 3, 1])).tolist() == [3, 1, 1]


def test_nearness_worked_by_hand() -> None:
    """Prototypes at 0 (class 0) and 3 (class 2); at 1 the distances are 1 and 2; class 1 has no example."""
    examples, labels = torch.tensor([[0.0], [2.0], [4.0]]), torch.tensor([0, 2, 2])
    found = prototypes.predict_proba(torch.tensor([[1.0]]), examples, labels, 4)
    assert found[0].tolist() == pytest.approx([1 / (1 + math.exp(-1)), 0, 1 / (1 + math.exp(1)), 0])


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
    assert prototypes.predict(queries, examples, labels).tolist() == expected


@given(st.integers(1, 40), st.integers(1, 6), st.integers(0, 2**31))
def test_equals_the_pseudocode_of_the_appendix(rows: int, classes: int, seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    latents = torch.randn(rows, 8, generator=random, dtype=torch.float64, requires_grad=True)
    labels = torch.randint(0, classes, (rows,), generator=random)
    ours, theirs = prototypes.prototypical_loss(latents, labels), appendix_a2(latents, labels)
    assert torch.allclose(ours, theirs)
    gradients = [torch.autograd.grad(loss, latents)[0] for loss in (ours, theirs)]
    assert torch.allclose(*gradients, atol=1e-9)


def test_gradient_is_finite_for_a_class_of_one() -> None:
    embeddings = torch.randn(3, 4, requires_grad=True)
    prototypes.prototypical_loss(embeddings, torch.tensor([0, 0, 1])).backward()  # type: ignore[no-untyped-call]
    assert embeddings.grad is not None and torch.isfinite(embeddings.grad).all()


def test_gradient_against_finite_differences() -> None:
    embeddings = torch.randn(6, 3, dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([0, 1, 0, 2, 1, 0])
    for distance in ("euclidean", "squared_euclidean"):
        check = lambda x, d=distance: prototypes.prototypical_loss(x, labels, d)  # noqa: E731
        assert torch.autograd.gradcheck(check, (embeddings,))


def test_squared_distances_and_their_gradients_are_those_of_the_differences() -> None:
    queries = torch.randn(5, 3, dtype=torch.float64)
    centres = torch.stack([queries[0], queries[1] + 1e-9, queries[2] + 1.0])  # at, near and far from a query
    weights = torch.randn(5, 3, dtype=torch.float64)
    found = []
    for squared in (
        lambda q, c: -(q[:, None] - c[None]).square().sum(-1),
        lambda q, c: prototypes.pairwise_similarity(q, c, "squared_euclidean"),
    ):
        q, c = queries.clone().requires_grad_(), centres.clone().requires_grad_()
        logits = squared(q, c)
        found.append((logits, *torch.autograd.grad((weights * logits).sum(), (q, c))))
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=0)
    assert found[1][0][0, 0] == 0


def test_the_loss_over_many_classes_holds_no_differences() -> None:
    """[2000, 2000, 200] of them would be 3.2 GB; the logits and what is made of them are 16 MB each."""
    code = """
import resource, torch
from protomtl.model.prototypes import prototypical_loss
x = torch.randn(2000, 200, requires_grad=True)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
prototypical_loss(x, torch.arange(2000), "squared_euclidean").backward()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    run = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True)
    assert int(run.stdout) < 400_000


def test_halves_are_rounded_away_from_zero() -> None:
    values = torch.tensor([0.0, 0.49, 0.5, 1.5, 2.5, 4.5, 4.49, -0.5, -1.5])
    assert tensors.round_half_away(values).tolist() == [0, 0, 1, 2, 3, 5, 4, -1, -2]


def test_similarity_scores_become_six_classes() -> None:
    task = params.load(ROOT / "params.yaml").tasks["sts"]
    scores = torch.arange(0, 51) / 10
    assert tensors.class_labels(task, scores).unique().tolist() == [0, 1, 2, 3, 4, 5]


# Classes 0: 0, 2, 4 and 1: 10, 14 on a line; class 2 has one row, 20.
LINE = torch.tensor([[0.0], [2.0], [4.0], [10.0], [14.0], [20.0]])
CLASSES = torch.tensor([0, 0, 0, 1, 1, 2])


def test_leave_one_out_worked_by_hand() -> None:
    logits, targets = prototypes.leave_one_out_logits(LINE, CLASSES, "euclidean")
    assert targets.tolist() == [0, 0, 0, 1, 1]  # the last row has nobody who stands for its class
    # Row 0: the mean of 2 and 4 is 3 away; class 1 (12) 12 away; class 2 (20) 20 away. Row 10: 14 is 4 away.
    assert logits[0].tolist() == [-3.0, -12.0, -20.0]
    assert logits[3].tolist() == [-8.0, -4.0, -10.0]


@given(st.integers(2, 30), st.integers(1, 5), st.integers(0, 2**31), st.sampled_from(["euclidean", "cosine"]))
def test_leave_one_out_equals_leaving_one_out(rows: int, classes: int, seed: int, distance: str) -> None:
    random = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, 4, generator=random, dtype=torch.float64)
    y = torch.randint(0, classes, (rows,), generator=random)
    logits, _ = prototypes.leave_one_out_logits(x, y, distance)
    slow = []
    for row in range(rows):
        if (y == y[row]).sum() > 1:
            others = torch.arange(rows) != row
            means = [x[(y == k) & (others | (y != y[row]))].mean(0) for k in sorted(set(y.tolist()))]
            slow.append(prototypes.pairwise_similarity(x[row : row + 1], torch.stack(means), distance)[0])
    assert logits.shape[0] == len(slow)
    if slow:
        torch.testing.assert_close(logits, torch.stack(slow))


@given(st.integers(2, 30), st.integers(1, 5), st.integers(0, 2**31))
def test_an_episode_classifies_half_of_each_class_by_the_other_half(rows: int, classes: int, seed: int) -> None:
    torch.manual_seed(seed)
    y = torch.randint(0, classes, (rows,))
    x = 100.0 * y[:, None] + torch.rand(rows, 1)  # classes far apart
    logits, targets = prototypes.episode_logits(x, y, "euclidean")
    counts = torch.bincount(y)
    assert len(targets) == sum(int(n) - int(n) // 2 for n in counts if n > 1)
    assert logits.shape[1] == (counts > 1).sum()
    assert not len(targets) or (logits.argmax(1) == targets).all()


@pytest.mark.parametrize("kind", ["leave_one_out", "episode"])
def test_a_batch_in_which_every_row_is_alone_costs_nothing(kind: str) -> None:
    x = torch.rand(3, 2, requires_grad=True)
    loss = prototypes.prototypical_loss(x, torch.arange(3), prototypes=kind)
    loss.backward()
    assert loss.item() == 0 and x.grad is not None and not x.grad.any()


def test_a_query_is_no_part_of_its_prototype() -> None:
    x = torch.tensor([[0.0], [3.0]])
    torch.manual_seed(0)
    logits, _ = prototypes.episode_logits(x, torch.tensor([1, 1]), "euclidean")
    assert logits.tolist() == [[-3.0]]


def test_cosine_and_temperature_worked_by_hand() -> None:
    x, y = torch.tensor([[2.0, 0.0], [0.0, 3.0]]), torch.tensor([0, 1])
    loss = prototypes.prototypical_loss(x, y, "cosine", inverse_temperature=2.0)
    assert loss.item() == pytest.approx(math.log(1 + math.exp(-2)), abs=1e-6)  # cosines 1 and 0, times two
