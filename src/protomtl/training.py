"""The one training loop: it serves both phases and all methods."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from protomtl import sampling, state
from protomtl.config import Training
from protomtl.progress import Progress
from protomtl.random import seed_torch

Batches = dict[str, np.ndarray]  # task -> rows of the step
Losses = Callable[[Batches], Mapping[str, Tensor]]  # the method: rows of a step -> the loss of each task
Validate = Callable[[], dict[str, float]]  # dev metrics, `overall` among them


@dataclass
class Curves:
    """One line per step and one per epoch, as they go into CSV files."""

    train: list[dict[str, float]] = field(default_factory=list)
    dev: list[dict[str, float]] = field(default_factory=list)


@dataclass
class Result:
    """What a training leaves besides the weights."""

    curves: Curves
    best_epoch: int  # from 1
    steps: int
    seconds: float


def train(
    title: str,
    model: nn.Module,
    losses: Losses,
    sizes: Mapping[str, int],
    settings: Training,
    seed: int,
    folder: Path,
    weights: Mapping[str, float],
    head_lr: float | None = None,
    validate: Validate | None = None,
) -> Result:
    """Train `model` in place and leave it with the weights of the best epoch on dev (the last without `validate`).

    Each step draws one batch of every task, adds up their weighted losses and updates once (§5.3). The
    state is saved in `folder`; a run that was interrupted goes on from there and gives the same bytes.
    """
    optimizer = build_optimizer(model, settings, head_lr)
    steps = sampling.steps_per_epoch(sizes, settings)
    total = steps * settings.epochs
    done, seconds, best, curves = resume(folder / "state.safetensors", model, optimizer)
    progress, begin = Progress(title, total, done), time.monotonic()
    model.train()
    while done < total:
        epoch, step = divmod(done, steps)
        rows = {t: sampling.rows(t, n, settings, seed, epoch, step, steps) for t, n in sizes.items()}
        seed_torch(seed, title, "dropout", done)
        lr = set_learning_rate(optimizer, settings, done, total)
        values = update(model, optimizer, losses, rows, weights, settings.clip_norm)
        done += 1
        curves.train.append(point(done, steps, lr, values))
        progress.step(sum(map(len, rows.values())), curves.train[-1]["loss"])
        if done % steps == 0:
            best = end_of_epoch(model, folder, done // steps, best, curves, validate, progress)
        if done % settings.save_every == 0 or done == total:
            now = seconds + time.monotonic() - begin
            state.save(folder / "state.safetensors", model, optimizer, saved(done, now, best, curves))
    progress.close()
    state.load(folder / "best.safetensors", model, None)
    return Result(curves, int(best["epoch"]), total, seconds + time.monotonic() - begin)


def update(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    losses: Losses,
    rows: Batches,
    weights: Mapping[str, float],
    clip_norm: float,
) -> dict[str, float]:
    """One step: forward, backward, clip, update. Returns the weighted sum of the losses and each of them.

    Only numbers leave: a step's graph must be gone before the next is built, or memory holds two of them.
    """
    by_task = losses(rows)
    loss = torch.stack([weights.get(task, 1.0) * value for task, value in by_task.items()]).sum()
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    if clip_norm:
        nn.utils.clip_grad_norm_(state.trained(model).values(), clip_norm)
    optimizer.step()
    return {"loss": loss.item(), **{f"loss_{task}": value.item() for task, value in by_task.items()}}


def build_optimizer(model: nn.Module, settings: Training, head_lr: float | None) -> torch.optim.AdamW:
    """AdamW over what is trained: the encoder at `lr`, everything else at `head_lr`."""
    parameters = state.trained(model)
    encoder = [p for name, p in parameters.items() if name.startswith("encoder.")]
    rest = [p for name, p in parameters.items() if not name.startswith("encoder.")]
    groups: list[dict[str, Any]] = [
        {"params": params, "peak": lr, "lr": lr}
        for params, lr in ((encoder, settings.lr), (rest, head_lr or settings.lr))
        if params
    ]
    return torch.optim.AdamW(groups, weight_decay=settings.weight_decay, fused=True)


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


def point(done: int, steps: int, lr: float, losses: dict[str, float]) -> dict[str, float]:
    """One line of the training curve."""
    if not math.isfinite(losses["loss"]):
        raise SystemExit(f"step {done}: the loss is {losses['loss']}; lower the learning rate or use precision fp32")
    rounded = {name: round(value, 6) for name, value in losses.items()}
    return {"step": done, "epoch": round(done / steps, 4), "lr": lr, **rounded}


def end_of_epoch(
    model: nn.Module,
    folder: Path,
    epoch: int,
    best: dict[str, float],
    curves: Curves,
    validate: Validate | None,
    progress: Progress,
) -> dict[str, float]:
    """Validate, and keep the weights if this epoch is the best on dev so far; returns the best."""
    metrics = {"overall": float(epoch)} if validate is None else validate()  # without dev the last epoch is best
    if validate is not None:
        curves.dev.append({"epoch": epoch, **{name: round(value, 6) for name, value in metrics.items()}})
        shown = ", ".join(f"{name} {value:.3f}" for name, value in metrics.items())
        progress.say(f"{progress.title}: epoch {epoch} dev {shown}")
    if metrics["overall"] <= best["overall"]:
        return best
    state.save(folder / "best.safetensors", model, None, {})
    return {"epoch": epoch, "overall": metrics["overall"]}


def saved(done: int, seconds: float, best: dict[str, float], curves: Curves) -> dict[str, Any]:
    return {"done": done, "seconds": seconds, "best": best, "train": curves.train, "dev": curves.dev}


def resume(
    path: Path, model: nn.Module, optimizer: torch.optim.Optimizer
) -> tuple[int, float, dict[str, float], Curves]:
    """(steps done, seconds spent, best epoch, curves) of a saved state; zeros without one."""
    if not path.exists():
        return 0, 0.0, {"epoch": 0, "overall": float("-inf")}, Curves()
    progress = state.load(path, model, optimizer)
    return progress["done"], progress["seconds"], progress["best"], Curves(progress["train"], progress["dev"])
