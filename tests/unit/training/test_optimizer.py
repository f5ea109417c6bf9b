"""Rates: warm-up, decay, and those of encoder, layers and heads."""

from pathlib import Path

import pytest
import torch
from torch import nn

from protomtl.training import optimizer
from tests.unit.training.test_loop import Toy, settings


@pytest.mark.parametrize(
    ("step", "share"), [(0, 0.5), (1, 1.0), (2, 1.0), (6, 0.5), (9, 0.125)]
)  # ten steps, two of warm-up, eight of decay
def test_rate_warms_up_and_decays(step: int, share: float) -> None:
    assert optimizer.learning_rate(settings(schedule="linear", warmup=0.2), step, 10) == pytest.approx(share)


def test_warm_up_is_rounded_to_whole_steps() -> None:
    assert optimizer.learning_rate(settings(schedule="linear", warmup=0.15), 0, 10) == 0.5  # 1.5 are 2


def test_constant_rate() -> None:
    assert {optimizer.learning_rate(settings(schedule="constant"), step, 10) for step in range(10)} == {1.0}


def test_encoder_and_heads_have_their_own_rates(tmp_path: Path) -> None:
    built = optimizer.build_optimizer(Toy(), settings(lr=0.25, head_lr=0.5))
    assert [group["lr"] for group in built.param_groups] == [0.25, 0.5]
    own = optimizer.build_optimizer(Toy(), settings(lr=0.25, head_lr=0.5), {"head.weight": 0.125})
    assert [group["lr"] for group in own.param_groups] == [0.25, 0.125]


def test_each_layer_learns_more_slowly_than_the_one_above_it() -> None:
    names = ["embeddings.word", "encoder.layer.0.out", "encoder.layer.1.out", "pooler.dense"]
    model = nn.ModuleDict({"encoder": nn.ModuleDict({"bert": named(names)}), "heads": nn.Linear(1, 1, bias=False)})
    built = optimizer.build_optimizer(model, settings(lr=1.0, head_lr=3.0, layer_decay=0.5))
    rates = {id(p): group["lr"] for group in built.param_groups for p in group["params"]}
    assert [rates[id(p)] for p in model.parameters()] == [0.25, 0.5, 1.0, 1.0, 3.0]
    assert built.param_groups[0]["lr"] == 1.0  # what the curve shows


def named(names: list[str]) -> nn.Module:
    """A module with a weight under each of these names."""
    root = nn.Module()
    for name in names:
        module = root
        for part in name.split("."):
            if not hasattr(module, part):
                module.add_module(part, nn.Module())
            module = getattr(module, part)
        module.weight = nn.Parameter(torch.zeros(1))
    return root


def test_biases_and_norms_may_be_left_out_of_the_decay() -> None:
    model = nn.ModuleDict({"encoder": nn.Sequential(nn.Linear(2, 3), nn.LayerNorm(3)), "head": nn.Linear(3, 1)})
    model["encoder"].factor = nn.Parameter(torch.zeros(()))
    for decayed, expected in (("all", {0.1: 7}), ("matrices", {0.1: 2, 0.0: 5})):
        chosen = settings(decayed=decayed, weight_decay=0.1)
        found: dict[float, int] = {}
        for group in optimizer.build_optimizer(model, chosen).param_groups:
            found[group["weight_decay"]] = found.get(group["weight_decay"], 0) + len(group["params"])
        assert found == expected
