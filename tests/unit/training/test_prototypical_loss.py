"""The prototypical loss with prior, scale and kept means: by hand, and against what is written out."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from protomtl import params
from protomtl.model.heads import class_vectors
from protomtl.model.prototypes import prototypical_loss
from protomtl.training import ordinal
from protomtl.training.prototypical_loss import (
    COSINE,
    MOMENTUM,
    PrototypicalLoss,
    Rows,
    losses_of_tasks,
    moved,
    scale_rates,
)
from protomtl.training.settings import Distances
from tests.support import ROOT

TASKS = params.load(ROOT / "params.yaml").tasks
SST, STS, PARA = TASKS["sst"], TASKS["sts"], TASKS["para"]
LABELS = np.array([0.0, 0.0, 0.0, 1.0, 1.0, 2.0, 3.0, 4.0])
X = torch.randn(8, 3, generator=torch.Generator().manual_seed(1))


def loss_of(
    kind: str, labels: np.ndarray = LABELS, task: object = SST, vectors: Tensor = X, **more: object
) -> PrototypicalLoss:
    plain = {"distance": "euclidean", "values": "rounded", "prior": False, "scale": "plain", "scale_lr": 0.0}
    rows = Rows(labels, lambda some: vectors[torch.from_numpy(some)])
    return PrototypicalLoss(task, Distances.model_validate(plain | more), kind, vectors.shape[1], 2, rows)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["batch", "leave_one_out"])
def test_the_prior_is_added_to_the_logits(kind: str) -> None:
    """Of the train split, not of the step; classes without a row in the step take no part."""
    some, labels = X[:5], torch.tensor([0.0, 0.0, 0.0, 1.0, 1.0])
    by_hand = [math.log(3 / 8), math.log(2 / 8)]
    found = loss_of(kind, prior=True)(some, labels)
    from protomtl.model.prototypes import LOGITS

    logits, place = LOGITS[kind](some, labels.long(), "euclidean")
    assert found.item() == pytest.approx(functional.cross_entropy(logits + torch.tensor(by_hand), place).item())


def test_an_episode_has_the_prior_of_the_classes_that_have_two_rows() -> None:
    labels = torch.tensor([0, 0, 0, 0, 1, 2, 2])
    prior = torch.tensor([0.5, 0.4, 0.1, 0.0, 0.0]).log()
    torch.manual_seed(3)
    plain = prototypical_loss(X[:7], labels, "euclidean", "episode")
    torch.manual_seed(3)
    even = prototypical_loss(X[:7], labels, "euclidean", "episode", 1.0, torch.zeros(5))
    torch.manual_seed(3)
    with_prior = prototypical_loss(X[:7], labels, "euclidean", "episode", 1.0, prior)
    assert plain == even and torch.isfinite(with_prior) and with_prior != plain


def test_where_all_distances_are_equal_the_prior_alone_is_what_a_row_costs() -> None:
    found = loss_of("batch", prior=True)(torch.zeros(8, 3), torch.from_numpy(LABELS))
    shares = np.bincount(LABELS.astype(int)) / 8
    assert found.item() == pytest.approx(-(shares * np.log(shares)).sum(), abs=1e-5)


def test_the_scale_that_is_fitted_is_likelier_than_its_neighbours() -> None:
    random = torch.Generator().manual_seed(4)
    labels = torch.randint(0, 5, (200,), generator=random)
    vectors = 0.1 * (torch.randn(200, 6, generator=random) + functional.one_hot(labels, 6))
    loss = loss_of("batch", labels.numpy().astype(float), vectors=vectors, scale="fitted", distance="squared_euclidean")
    assert loss.log_inverse_temperature.exp() == 1 and not loss.log_inverse_temperature.requires_grad
    loss.fit_scale(1, "sst")
    scale = loss.log_inverse_temperature.exp().item()
    means = torch.stack([vectors[::2][labels[::2] == k].mean(0) for k in range(5)])
    near = -(vectors[1::2, None] - means).square().sum(2)
    prior = (torch.bincount(labels[::2], minlength=5) / 100).log()
    cost = {
        s: functional.cross_entropy(s * near + prior, labels[1::2]).item() for s in (scale / 1.2, scale, scale * 1.2)
    }
    assert min(cost, key=lambda s: cost[s]) == scale


@pytest.mark.parametrize(
    ("more", "first", "learned"),
    [({}, None, False), ({"scale_lr": 0.03}, 1.0, True), ({"distance": "cosine"}, COSINE, True)],
)
def test_which_factor_is_learned_and_where_it_begins(
    more: dict[str, object], first: float | None, learned: bool
) -> None:
    loss = loss_of("batch", **more)
    factors = dict(loss.named_parameters())
    assert [round(p.exp().item(), 4) for p in factors.values()] == ([first] if first else [])
    assert all(p.requires_grad == learned for p in factors.values())
    rate = float(more.get("scale_lr", 0.0))  # type: ignore[arg-type]
    assert scale_rates(torch.nn.ModuleDict({"sst": loss}), "loss", rate) == (
        {"loss.sst.log_inverse_temperature": rate} if rate else {}
    )


@pytest.mark.parametrize("task", [SST, STS])
@pytest.mark.parametrize("kind", ["batch", "epoch", "average", "train"])
@pytest.mark.parametrize("values", ["rounded", "between"])
def test_factor_and_prior_are_in_the_logits_of_means_of_every_kind(task: Any, kind: str, values: str) -> None:
    """τ cos(q, c_k) + log π_k. Of a step with all rows, at the beginning or behind one like it, means are its own."""
    if (kind, values) == ("epoch", "between"):
        return  # refused
    loss, labels = loss_of(kind, task=task, distance="cosine", prior=True, values=values), torch.from_numpy(LABELS)
    if kind == "average":
        loss(X, labels)
    means = torch.stack([X[labels == k].mean(0) for k in range(5)])
    near = functional.normalize(X, dim=1) @ functional.normalize(means, dim=1).t()
    slow = functional.cross_entropy(COSINE * near + (torch.bincount(labels.long()) / 8).log(), labels.long())
    assert loss(X, labels).item() == pytest.approx(slow.item(), abs=1e-5)


def test_each_task_begins_with_the_factor_that_is_fitted_on_its_own_rows() -> None:
    labels = {"sst": np.arange(40) % 5 * 1.0, "para": np.arange(40) // 2 % 2 * 1.0}
    noise = torch.randn(40, 3, generator=torch.Generator().manual_seed(2))
    own = noise + torch.from_numpy(labels["sst"] + labels["para"]).float()[:, None]
    one = loss_of("batch", labels["sst"], vectors=own, scale="fitted")
    one.fit_scale(1, "sst")
    rows = {name: Rows(values, lambda some: own[torch.from_numpy(some)]) for name, values in labels.items()}
    tasks, widths = {name: TASKS[name] for name in rows}, dict.fromkeys(rows, 3)
    found = losses_of_tasks(tasks, one.settings, "batch", widths, 2, rows, torch.device("cpu"), 1)
    factors = {name: loss.log_inverse_temperature.item() for name, loss in found.items()}
    assert factors["sst"] == one.log_inverse_temperature.item() != 0 and factors["para"] not in (0, factors["sst"])


def test_moving_means_worked_by_hand() -> None:
    means = torch.tensor([[1.0], [torch.nan], [5.0]])
    shares = torch.tensor([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0]])
    found = moved(means, torch.tensor([[2.0], [4.0]]), shares)
    own = (2 + 0.5 * 4) / 1.5
    assert found.flatten().tolist() == pytest.approx([MOMENTUM * 1 + (1 - MOMENTUM) * own, 4, 5])


def test_a_step_is_compared_with_the_moving_means_of_the_steps_before_it() -> None:
    """By a slow loop; the first step costs nothing, and nor do rows of a class that is seen for the first time."""
    random = np.random.default_rng(5)
    loss, means = loss_of("average"), {}
    for step in range(6):
        x, y = random.normal(size=(7, 3)), random.integers(0, 3 if step < 2 else 5, 7)
        costs = []
        for row, label in zip(x, y, strict=True):
            if label in means:
                logits = {k: -np.linalg.norm(row - mean) for k, mean in means.items()}
                costs.append(np.log(sum(np.exp(v) for v in logits.values())) - logits[label])
        found = loss(torch.from_numpy(x).float().requires_grad_(), torch.from_numpy(y).float()).item()
        assert found == pytest.approx(np.mean(costs) if costs else 0, abs=1e-5) and not loss.means.requires_grad
        for label in set(y):
            now = x[y == label].mean(0)
            means[label] = MOMENTUM * means[label] + (1 - MOMENTUM) * now if label in means else now


def test_epoch_prototypes_are_means_over_the_epoch_so_far() -> None:
    labels = np.array([0.0, 1.0, 2.0])
    loss = loss_of("epoch", labels, SST.model_copy(update={"classes": 3}), torch.zeros(3, 1))
    first, second = torch.tensor([[0.0], [8.0]]), torch.tensor([[2.0], [6.0]])
    some = torch.tensor([0.0, 2.0])
    assert loss(first, some).item() == pytest.approx(math.log(1 + math.exp(-8)), abs=1e-6)
    # Means now 1 and 7 (class 1 was never seen): 2 is 1 and 5 away, 6 is 5 and 1 away.
    second.requires_grad_()
    found = loss(second, some)
    assert found.item() == pytest.approx(math.log(1 + math.exp(-4)), abs=1e-6)
    found.backward()
    assert second.grad is not None and second.grad.abs().sum() > 0
    assert loss(first, some).item() == pytest.approx(math.log(1 + math.exp(-8)), abs=1e-6)  # begun anew


def test_means_of_the_whole_split_are_taken_anew_in_each_epoch() -> None:
    vectors = X.clone()
    loss = loss_of("train", vectors=vectors)  # two steps an epoch
    first = loss(X[:2], torch.tensor([0.0, 0.0])).item()
    means = torch.stack([X[torch.from_numpy(LABELS) == k].mean(0) for k in range(5)])
    assert first == pytest.approx(
        functional.cross_entropy(-torch.cdist(X[:2], means), torch.tensor([0, 0])).item(), abs=1e-5
    )
    vectors += 1
    assert loss(X[:2], torch.tensor([0.0, 0.0])).item() == first  # the same epoch
    assert loss(X[:2], torch.tensor([0.0, 0.0])).item() != first


def test_kept_means_are_saved_with_the_resumable_state() -> None:
    loss, other = loss_of("average"), loss_of("average")
    loss(X, torch.from_numpy(LABELS))
    other.load_state_dict(loss.state_dict())
    assert torch.equal(other(X, torch.from_numpy(LABELS)), loss(X, torch.from_numpy(LABELS)))
    assert "log_prior" not in loss_of("batch", prior=True).state_dict()


@pytest.mark.parametrize("kind", ["batch", "leave_one_out", "average", "train"])
def test_whole_scores_cost_as_much_between_two_classes_as_rounded(kind: str) -> None:
    scores = np.array([0.0, 1.0, 2.0, 2.0, 1.0, 0.0, 1.0, 2.0])
    costs = []
    for values in ("rounded", "between"):
        loss = loss_of(kind, scores, STS, values=values, prior=True)
        loss(X, torch.from_numpy(scores))
        costs.append(loss(X, torch.from_numpy(scores)).item())
    assert costs[0] == pytest.approx(costs[1], abs=1e-5)


def test_scores_between_two_classes_cost_what_their_shares_do() -> None:
    scores = torch.tensor([0.5, 1.0, 2.25, 2.0, 1.5, 0.0, 1.0, 2.0])
    logits, targets = ordinal.leave_one_out_logits(X, ordinal.shares(STS, scores), "euclidean")
    found = loss_of("leave_one_out", scores.numpy(), STS, values="between")(X, scores).item()
    assert found == pytest.approx(-(targets * logits.log_softmax(1)).sum(1).mean().item(), abs=1e-6)


def test_a_step_in_which_every_score_is_alone_costs_nothing() -> None:
    x = X[:3].clone().requires_grad_()
    loss = loss_of("leave_one_out", np.array([0.0, 2.0, 5.0]), STS, values="between")(x, torch.tensor([0.0, 2.0, 5.0]))
    loss.backward()
    assert loss.item() == 0 and x.grad is not None and not x.grad.any()


def test_what_relates_two_texts_is_of_length_one_each_and_their_sum_is_a_2() -> None:
    a, b = torch.tensor([[3.0, 4.0]]), torch.tensor([[0.0, 2.0]])
    assert class_vectors([a, b], relation=True)[0].tolist() == pytest.approx([0.6, 0.2, 0.0, 0.8])
    assert class_vectors([a, b], relation=False).tolist() == [[3.0, 6.0]]
    assert class_vectors([a], relation=True).tolist() == a.tolist()
