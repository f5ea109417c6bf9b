"""AdamW, its rates for the parts of the model, and their schedule."""

import re
from collections.abc import Mapping
from inspect import unwrap
from typing import Any

import torch
from torch import Tensor, nn

from protomtl.model.multitask import trained_parameters
from protomtl.training.settings import Training

LAYER = re.compile(r"\.layers?\.(\d+)\.")  # of BERT and its kin


class AdamW(torch.optim.AdamW):
    """torch's own. Its methods are marked for torch's compiler, which the first call of one would import: a second
    and 60 MB of each job, for nothing."""

    add_param_group = unwrap(torch.optim.Optimizer.add_param_group)
    zero_grad = unwrap(torch.optim.Optimizer.zero_grad)
    state_dict = unwrap(torch.optim.Optimizer.state_dict)
    load_state_dict = unwrap(torch.optim.Optimizer.load_state_dict)
    step = torch.no_grad()(unwrap(torch.optim.AdamW.step))


def build_optimizer(model: nn.Module, settings: Training, own: Mapping[str, float] | None = None) -> AdamW:
    """AdamW over what is trained: the encoder at `lr`, everything else at `head_lr`, or at a rate of its `own`.

    Weights decay, or with `decayed: matrices` those that are no biases, scales of norms and single numbers.
    With `layer_decay` below 1, each layer of the encoder has that share of the rate of the layer above it. The
    embeddings have that share of the lowest layer's (Howard and Ruder 2018, discriminative fine-tuning).
    """
    parameters = trained_parameters(model)
    rates = dict.fromkeys(parameters, settings.head_lr)
    encoder = [name for name in parameters if name.startswith("encoder.")]
    rates |= {name: settings.lr * settings.layer_decay**depth for name, depth in depths(encoder).items()}
    rates |= own or {}

    def decays(parameter: Tensor) -> bool:
        return settings.decayed == "all" or parameter.ndim > 1

    peaks = dict.fromkeys([*sorted((rates[name] for name in encoder), reverse=True), *rates.values()])
    groups: list[dict[str, Any]] = [
        {"params": some, "peak": peak, "lr": peak, "weight_decay": settings.weight_decay if decayed else 0.0}
        for peak in peaks
        for decayed in (True, False)
        if (some := [parameters[n] for n, rate in rates.items() if rate == peak and decays(parameters[n]) == decayed])
    ]
    return AdamW(groups, weight_decay=settings.weight_decay, fused=True)


def depths(names: list[str]) -> dict[str, int]:
    """Depth from the top: 0 for the last layer and all that follows it."""
    layer = {name: int(found[1]) for name in names if (found := LAYER.search(name))}
    top = max(layer.values(), default=0)
    lowest = {name: top + 1 for name in names if "embeddings" in name}
    return dict.fromkeys(names, 0) | lowest | {name: top - number for name, number in layer.items()}


def learning_rate(settings: Training, step: int, total: int) -> float:
    """Share of the peak rate in step `step` (from 0): linear warm-up over `warmup` of all steps, then linear
    decay towards 0 (`linear`) or none of both (`constant`)."""
    if settings.schedule == "constant":
        return 1.0
    warm = round(settings.warmup * total)
    if step < warm:
        return (step + 1) / warm
    return (total - step) / max(total - warm, 1)


def set_learning_rate(optimizer: torch.optim.Optimizer, settings: Training, step: int, total: int) -> float:
    """Set the rate of every group for this step; returns the first group's."""
    for group in optimizer.param_groups:
        group["lr"] = group["peak"] * learning_rate(settings, step, total)
    return float(optimizer.param_groups[0]["lr"])
