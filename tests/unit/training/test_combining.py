"""Ways to combine gradients: ours against torchjd's, torchjd's against what their papers promise, and their state."""

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from protomtl.params import load
from protomtl.training import loop, pcgrad
from protomtl.training.combining import MEANS, WEIGHTINGS, Weighted, combiner
from protomtl.training.weighting import fixed
from tests.support import ROOT

BASE = load(ROOT / "params.yaml").finetune


def test_a_sum_needs_nothing_and_surgery_is_ours() -> None:
    assert combiner("sum", 3) is None and combiner("pcgrad", 3) is pcgrad.coefficients


def test_without_the_extra_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "torchjd", None)
    with pytest.raises(
        SystemExit, match=r"^params\.yaml: gradients: upgrad: needs `pip install 'protomtl\[torchjd\]'`"
    ):
        combiner("upgrad", 3)


def weighted(name: str, tasks: int) -> Weighted:
    pytest.importorskip("torchjd")
    found = combiner(name, tasks)
    assert isinstance(found, Weighted)
    return found


def drawn(tasks: int, seed: int) -> Tensor:
    return torch.randn(tasks, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@given(st.integers(2, 4), st.integers(0, 2**31))
def test_our_surgery_is_torchjds_where_the_order_does_not_matter(tasks: int, seed: int) -> None:
    """They draw another order; with two tasks there is one only. With more, over many draws, the means agree."""
    aggregation = pytest.importorskip("torchjd.aggregation")
    products = (g := drawn(2, seed)) @ g.t()
    torch.testing.assert_close(pcgrad.coefficients(products), aggregation.PCGradWeighting()(products))


def test_over_many_orders_our_surgery_is_torchjds() -> None:
    aggregation = pytest.importorskip("torchjd.aggregation")
    torch.manual_seed(1)
    products = (g := drawn(3, 8)) @ g.t()
    assert (products[~torch.eye(3, dtype=torch.bool)] < 0).any()
    ours = torch.stack([pcgrad.coefficients(products) for _ in range(600)])
    theirs = torch.stack([aggregation.PCGradWeighting()(products) for _ in range(600)])
    torch.testing.assert_close(ours.mean(0), theirs.mean(0), atol=0.05, rtol=0.05)
    assert {tuple(row) for row in ours.round(decimals=6).tolist()} == {
        tuple(row) for row in theirs.round(decimals=6).tolist()
    }


@pytest.mark.parametrize("name", ["upgrad", "cagrad", "gradvac", "imtl_g", "aligned_mtl"])
def test_equal_gradients_at_right_angles_are_added_up(name: str) -> None:
    found = weighted(name, 3)(torch.eye(3, dtype=torch.float64))
    assert found.tolist() == pytest.approx([1 + 0.4 * (name == "cagrad")] * 3, abs=1e-3)  # CAGrad goes further


@given(st.integers(0, 2**31))
def test_no_task_loses_by_upgrad(seed: int) -> None:
    products = (g := drawn(3, seed)) @ g.t()
    step = weighted("upgrad", 3)(products)
    assert (products @ step >= -1e-2 * products.diagonal().max()).all()


@given(st.integers(0, 2**31))
def test_imtl_g_gives_equal_projections(seed: int) -> None:
    products = (g := drawn(3, seed)) @ g.t()
    along = products @ weighted("imtl_g", 3)(products) / products.diagonal().sqrt()
    assert torch.allclose(along, along.mean().expand(3), rtol=1e-4, atol=1e-4 * along.abs().max().item())


def test_random_weights_are_drawn_from_torchs_generator_and_add_up_to_the_tasks() -> None:
    combine, products = weighted("random", 3), torch.eye(3, dtype=torch.float64)
    torch.manual_seed(2)
    first = combine(products)
    torch.manual_seed(2)
    assert torch.equal(combine(products), first) and first.sum().item() == pytest.approx(3)
    assert not torch.equal(combine(products), first)


class Toy(nn.Module):
    """Three tasks that pull one shared weight in different directions."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Linear(4, 1, bias=False)
        nn.init.ones_(self.encoder.weight)


def fit(folder: Path, name: str, stop_after: int | None = None) -> tuple[list[float], list[float]]:
    """Train; with `stop_after` a first training is stopped there, as by a kill, and a second one goes on."""
    targets = drawn(3, 5).float()
    settings = BASE.model_copy(
        update={"epochs": 1, "steps_per_epoch": 8, "batch_size": 2, "save_every": 1, "gradients": name, "lr": 0.1}
    )
    folder.mkdir(exist_ok=True)
    for stop in [stop_after, None] if stop_after else [None]:
        toy, steps = Toy(), 0

        def losses(rows: dict[str, object], toy: Toy = toy, stop: int | None = stop) -> dict[str, Tensor]:
            nonlocal steps
            if steps == stop:
                raise KeyboardInterrupt
            steps += 1
            weight = toy.encoder.weight[0]
            return {
                f"{k}": (weight * target).sum() + (weight - target).square().sum() for k, target in enumerate(targets)
            }

        try:
            objective = loop.Objective(toy, losses, fixed({}))
            result = loop.train("toy", objective, dict.fromkeys("012", 9), settings, 1, folder)
        except KeyboardInterrupt:
            continue
    return toy.encoder.weight.flatten().tolist(), [point["loss"] for point in result.curves.train]


@pytest.mark.parametrize("name", [*WEIGHTINGS, "pcgrad"])
def test_a_training_that_was_killed_goes_on_to_the_same_bytes(tmp_path: Path, name: str) -> None:
    """GradVac remembers how alike gradients were; random orders and weights are of the step."""
    if name != "pcgrad":
        weighted(name, 3)
    whole = fit(tmp_path / "whole", name)
    assert fit(tmp_path / "killed", name, stop_after=5) == whole
    assert whole != fit(tmp_path / "sum", "sum")


def test_each_weighting_has_a_scale_on_purpose() -> None:
    assert set(MEANS) < set(WEIGHTINGS)
