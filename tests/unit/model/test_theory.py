"""The statements of docs/concepts/theory.md, in numbers, against the code that trains and predicts."""

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor

from protomtl.model import prototypes
from protomtl.model.readout import Readout

ROWS, WIDTH, CLASSES = 24, 5, 4


def drawn(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@given(st.integers(0, 10**6), st.sampled_from([("euclidean", 1), ("squared_euclidean", 2)]))
def test_a_row_in_its_own_prototype_is_nearer_by_one_minus_one_nth(seed: int, distance: tuple[str, int]) -> None:
    """Of both ways to count, every logit of the own class, for classes of 2 rows and more."""
    kind, power = distance
    labels = torch.randint(CLASSES, (ROWS,), generator=torch.Generator().manual_seed(seed))
    rows = torch.bincount(labels)[labels]
    assume(bool((rows > 1).all()))
    within, place = prototypes.batch_logits(embeddings := drawn(seed, ROWS, WIDTH), labels, kind)
    without, _ = prototypes.leave_one_out_logits(embeddings, labels, kind)
    own = place[:, None]
    expected = (1 - 1 / rows[:, None]) ** power * without.gather(1, own)
    assert torch.allclose(within.gather(1, own), expected)
    others = torch.ones_like(within, dtype=torch.bool).scatter(1, own, False)
    assert torch.equal(within[others], without[others])  # nothing else differs


def test_a_class_of_one_row_is_right_for_certain_and_is_only_pushed_away_from_others() -> None:
    """Its own logit is the largest there is, 0, and has no gradient, wherever the row lies; the others' have one."""
    embeddings = drawn(1, 6, WIDTH).requires_grad_()
    logits, place = prototypes.batch_logits(embeddings, torch.tensor([0, 0, 0, 1, 1, 2]), "euclidean")
    assert logits[5, 2] == 0 and logits[5].argmax() == place[5]
    (own,) = torch.autograd.grad(logits[5, 2], embeddings, retain_graph=True)
    assert (own == 0).all()
    (push,) = torch.autograd.grad(torch.nn.functional.cross_entropy(logits[5:], place[5:]), embeddings)
    moved = embeddings.detach()[5] - 1e-4 * push[5]
    means = torch.stack([embeddings[:3].mean(0), embeddings[3:5].mean(0)])
    assert (moved - means).norm(dim=1).mean() > (embeddings[5] - means).norm(dim=1).mean()


@given(st.integers(0, 10**6), st.floats(0.01, 10))
def test_prototypes_with_prior_and_scale_are_a_linear_head(seed: int, scale: float) -> None:
    centres, log_prior = drawn(seed, CLASSES, WIDTH), drawn(seed + 1, CLASSES).log_softmax(0)
    queries = drawn(seed + 2, ROWS, WIDTH)
    readout = Readout(centres, log_prior, "squared_euclidean", scale)
    by_distance = (-scale * (queries[:, None] - centres).square().sum(2) + log_prior).softmax(1)
    weight, bias = 2 * scale * centres, -scale * centres.square().sum(1) + log_prior
    assert torch.allclose((queries @ weight.t() + bias).softmax(1), by_distance)
    assert torch.allclose(readout.probabilities(queries), by_distance)


@given(st.integers(0, 10**6))
def test_the_nearest_by_distance_is_the_linear_head_of_equal_shares(seed: int) -> None:
    """The report's reading: plain distance, no prior."""
    centres, queries = drawn(seed, CLASSES, WIDTH), drawn(seed + 2, ROWS, WIDTH)
    found = prototypes.predict(queries, centres, torch.arange(CLASSES))
    assert torch.equal(found, (2 * queries @ centres.t() - centres.square().sum(1)).argmax(1))


def noisy_labels(labels: Tensor, rho: float, seed: int) -> Tensor:
    """Each label, with probability rho, one of the others."""
    random = torch.Generator().manual_seed(seed)
    other = (labels + torch.randint(1, CLASSES, labels.shape, generator=random)) % CLASSES
    return torch.where(torch.rand(len(labels), generator=random) < rho, other, labels)


@pytest.mark.parametrize("rho", [0.2, 0.4, 0.6])
def test_noise_draws_prototypes_towards_their_centre(rho: float) -> None:
    """Means of 40,000 rows of each class, whose labels are replaced at random."""
    centres = drawn(3, CLASSES, WIDTH)
    labels = torch.arange(CLASSES).repeat(40_000)
    embeddings = centres[labels] + 0.1 * drawn(4, len(labels), WIDTH)
    found, _ = prototypes.class_prototypes(embeddings, noisy_labels(labels, rho, 5))
    share = rho * CLASSES / (CLASSES - 1)
    assert torch.allclose(found, (1 - share) * centres + share * centres.mean(0), atol=0.03)


@given(st.integers(0, 10**6), st.floats(0, 0.95), st.booleans())
def test_noise_leaves_the_nearest_of_classes_equally_far_from_their_centre(seed: int, share: float, two: bool) -> None:
    """Any two classes, and the corners of a simplex."""
    centres = drawn(seed, 2, WIDTH) if two else torch.eye(WIDTH, dtype=torch.float64)
    queries = drawn(seed + 1, ROWS, WIDTH)
    noisy = (1 - share) * centres + share * centres.mean(0)
    clean = torch.cdist(queries, centres).square()
    gap = clean.topk(2, dim=1, largest=False).values.diff(dim=1)[:, 0]
    sure = gap > 1e-9  # no rounding decides
    nearest = [torch.cdist(queries, c).argmin(1)[sure] for c in (centres, noisy)]
    assert torch.equal(*nearest)


def test_noise_may_change_the_nearest_of_classes_that_are_not() -> None:
    """On a line, at -1, 0 and 4: 1.6 is nearest to 0. At half the share, 0, 0.5, 2.5, it is nearest to the last."""
    centres, share = torch.tensor([[-1.0], [0.0], [4.0]]), 0.5
    noisy = (1 - share) * centres + share * centres.mean(0)
    assert noisy[:, 0].tolist() == [0.0, 0.5, 2.5]
    query = torch.tensor([[1.6]])
    assert torch.cdist(query, centres).argmin() == 1 and torch.cdist(query, noisy).argmin() == 2
