"""The training loop: weighted losses, averaged weights, the choice of the epoch."""

import itertools
from pathlib import Path

import pytest
import torch
from torch import nn

from protomtl.params import load
from protomtl.training import loop
from protomtl.training.optimizer import build_optimizer
from protomtl.training.sampling import Batches
from protomtl.training.settings import Finetune
from protomtl.training.weighting import fixed
from tests.support import ROOT

NAN, INFINITY = float("nan"), float("inf")
BASE = load(ROOT / "params.yaml").finetune


def settings(**changes: object) -> Finetune:
    return BASE.model_copy(update={"epochs": 2, "steps_per_epoch": 3, "batch_size": 4, "save_every": 1, **changes})


class Toy(nn.Module):
    """One weight in the place of the encoder, one of a head."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Linear(1, 1, bias=False)
        self.head = nn.Linear(1, 1, bias=False)
        nn.init.ones_(self.encoder.weight), nn.init.ones_(self.head.weight)


def fit(
    folder: Path, dev: list[float], patience: int = 0, interrupt: int = 0, **changes: object
) -> tuple[Toy, loop.Result]:
    """Train the toy, with the given dev figure for each epoch; interrupt: the step from 1 in which Ctrl-C comes."""
    toy, figures, steps = Toy(), iter(dev), itertools.count(1)
    folder.mkdir(exist_ok=True)

    def losses(rows: Batches) -> dict[str, torch.Tensor]:
        if next(steps) == interrupt:
            raise KeyboardInterrupt
        return {"a": toy.encoder.weight.sum() * len(rows["a"]), "b": toy.head.weight.sum()}

    result = loop.train(
        "toy",
        loop.Objective(toy, losses, fixed({"a": 0.5})),
        {"a": 12, "b": 5},
        settings(**changes),
        1,
        folder,
        lambda: {"overall": next(figures)},
        patience,
    )
    return toy, result


def test_losses_are_weighted_and_summed(tmp_path: Path) -> None:
    _, result = fit(tmp_path / "s", [0.0, 1.0], lr=1e-9, head_lr=1e-9)
    first = result.curves.train[0]
    assert (first["loss_a"], first["loss_b"], first["loss"]) == (4.0, 1.0, 3.0)  # 0.5 · 4 + 1 · 1


def test_the_averaged_weights_are_kept(tmp_path: Path) -> None:
    plain, _ = fit(tmp_path / "plain", [0.0, 1.0], lr=0.1, head_lr=0.1, schedule="constant")
    averaged, _ = fit(tmp_path / "averaged", [0.0, 1.0], lr=0.1, head_lr=0.1, schedule="constant", averaging=0.5)
    assert plain.head.weight < averaged.head.weight < 1.0  # the loss pushes the weight down; its average lags behind


@pytest.mark.parametrize(("dev", "best"), [([0.1, 0.2], 2), ([0.2, 0.1], 1), ([0.2, 0.2], 1)])
def test_the_best_epoch_on_dev_is_kept(tmp_path: Path, dev: list[float], best: int) -> None:
    toy, result = fit(tmp_path / "s", dev)
    weights = [fit(tmp_path / "one", [0.0], epochs=1, schedule="constant")[0].encoder.weight.item()]
    assert result.best_epoch == best and result.steps == 6
    assert len(result.curves.train) == 6 and [p["overall"] for p in result.curves.dev] == dev
    if best == 1:
        assert toy.encoder.weight.item() == pytest.approx(weights[0], abs=1e-3)


@pytest.mark.parametrize(
    ("dev", "best"), [([NAN, 0.1], 2), ([0.1, NAN], 1), ([-0.5, NAN], 1), ([-INFINITY, NAN], 2), ([NAN, -INFINITY], 1)]
)
def test_a_figure_that_is_no_number_is_never_the_best(tmp_path: Path, dev: list[float], best: int) -> None:
    assert fit(tmp_path / "s", dev)[1].best_epoch == best


def test_where_no_figure_is_defined_the_last_epoch_is_taken(tmp_path: Path) -> None:
    _, result = fit(tmp_path / "s", [NAN, NAN])
    assert result.best_epoch == 2 and [*map(str, (p["overall"] for p in result.curves.dev))] == ["nan", "nan"]


def test_without_finite_scores_the_training_stops_and_says_so_again(tmp_path: Path) -> None:
    for _ in range(2):  # then from its saved state
        with pytest.raises(SystemExit, match="toy: in no epoch the scores on dev are finite"):
            fit(tmp_path / "s", [-INFINITY, -INFINITY])


def test_a_loss_that_is_not_finite_is_an_error(tmp_path: Path) -> None:
    toy = Toy()
    (tmp_path / "s").mkdir()
    with pytest.raises(SystemExit, match="step 1: the loss is nan"):
        loop.train(
            "toy",
            loop.Objective(toy, lambda rows: {"a": toy.encoder.weight.sum() * float("nan")}, fixed({})),
            {"a": 9},
            settings(),
            1,
            tmp_path / "s",
        )


def test_losses_that_are_read_some_steps_late_are_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for every in (1, 2, 100):
        monkeypatch.setitem(loop.READ_EVERY, "cpu", every)
        found.append(fit(tmp_path / f"{every}", [0.0, 1.0], lr=0.1, head_lr=0.1, save_every=5)[1].curves)
    assert len(found[0].train) == 6
    assert found[0] == found[1] == found[2]


def test_a_step_that_does_not_fit_ends_with_the_name_of_the_option(tmp_path: Path) -> None:
    toy = Toy()
    losses = lambda rows: {"a": toy.head.weight.sum() * torch.ones(2**46).sum()}  # noqa: E731  # 256 terabytes
    with pytest.raises(SystemExit, match=r"toy: a step does not fit into memory; set compute\.micro_batch"):
        loop.train("toy", loop.Objective(toy, losses, fixed({})), {"a": 12}, settings(), 1, tmp_path)


def test_other_errors_of_torch_are_not_taken_for_it(tmp_path: Path) -> None:
    toy = Toy()
    losses = lambda rows: {"a": torch.ones(2) @ torch.ones(3)}  # noqa: E731
    with pytest.raises(RuntimeError, match="size"):
        loop.train("toy", loop.Objective(toy, losses, fixed({})), {"a": 12}, settings(), 1, tmp_path)


@pytest.mark.parametrize(("clip_norm", "gradient"), [(0.0, [3.0, 4.0]), (1.0, [0.6, 0.8]), (9.0, [3.0, 4.0])])
def test_a_gradient_longer_than_the_largest_norm_is_cut_to_it(clip_norm: float, gradient: list[float]) -> None:
    """(3, 4) is of length 5."""
    toy = Toy()
    losses = lambda rows: {"a": 3 * toy.encoder.weight.sum() + 4 * toy.head.weight.sum()}  # noqa: E731
    chosen = settings(clip_norm=clip_norm)
    loop.update(loop.Objective(toy, losses, fixed({})), build_optimizer(toy, chosen), {}, chosen)
    assert [parameter.grad.item() for parameter in toy.parameters()] == pytest.approx(gradient, rel=1e-5)


@pytest.mark.parametrize(("shares", "gradient"), [(None, 9.5), ([1.0, 1.0], 9.5), ([1.0, 0.0], 1.5)])
def test_gradients_that_are_combined_are_those_of_the_weighted_losses(
    shares: list[float] | None, gradient: float
) -> None:
    """On a weight of 1 that both share they are 0.5 · 3 and 8."""
    toy, chosen = Toy(), settings(clip_norm=0.0)
    losses = lambda rows: {"a": 3 * toy.encoder.weight.sum(), "b": 4 * toy.encoder.weight.square().sum()}  # noqa: E731
    combine = None if shares is None else lambda products: torch.tensor(shares)
    loop.update(loop.Objective(toy, losses, fixed({"a": 0.5})), build_optimizer(toy, chosen), {}, chosen, combine)
    assert toy.encoder.weight.grad.item() == gradient
