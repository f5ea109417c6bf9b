"""The one training loop: it serves both phases and all methods."""

import math
import os
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from protomtl.core.markdown import number
from protomtl.model import distributed
from protomtl.model.device import enough_memory
from protomtl.model.multitask import trained_parameters
from protomtl.model.seeding import seed_torch
from protomtl.training import averaging, pcgrad, resume, sampling
from protomtl.training.combining import Combine, combiner
from protomtl.training.curves import Curves, Unread, read
from protomtl.training.live import Live
from protomtl.training.optimizer import build_optimizer, set_learning_rate
from protomtl.training.progress import Progress
from protomtl.training.sampling import Batches
from protomtl.training.settings import Training
from protomtl.training.weighting import Weigh

Losses = Callable[[Batches], Mapping[str, Tensor]]  # the method: rows of a step -> the loss of each task
Validate = Callable[[], dict[str, float]]  # dev metrics, `overall` among them: NaN undefined, -inf out of range

READ_EVERY = {"cpu": 1, "cuda": 50}  # steps whose losses are read at a time: to read is to wait for the device

STATE, BEST = "state.safetensors", "best.safetensors"  # the last step, and the weights of the best epoch


class Objective(NamedTuple):
    """What is trained: the encoder (as `encoder`) with all that learns beside it, the losses, and their weights."""

    model: nn.Module
    losses: Losses
    weigh: Weigh
    rates: Mapping[str, float] = {}  # learning rates of their own, by the parameter's name
    classes: Mapping[str, np.ndarray] = {}  # [rows] of each task, for `sampling: episodes`


@dataclass
class Result:
    """What a training leaves besides the weights."""

    curves: Curves
    best_epoch: int  # from 1
    steps: int
    seconds: float


def train(
    purpose: str,
    objective: Objective,
    sizes: Mapping[str, int],
    settings: Training,
    seed: int,
    folder: Path,
    validate: Validate | None = None,
    patience: int = 0,
) -> Result:
    """Train the model in place and leave it with the weights of the best epoch on dev (the last without `validate`).

    Each step draws rows of every task, adds up the tasks' weighted losses and updates once (§5.3). The
    state is saved in `folder`; a run that was interrupted goes on from there and gives the same bytes.
    Several processes each encode a part of a step (distributed.py) and are alike in everything else.
    patience: epochs without a better figure on dev after which it ends; 0: it goes through all epochs.
    """
    model, epochs = objective.model, settings.epochs
    combine = combiner(settings.gradients, settings.number_of_losses(sizes))
    if isinstance(combine, nn.Module):
        model.add_module("gradients", combine)  # what it remembers is saved with the state
    optimizer, weights = build_optimizer(model, settings, objective.rates), trained_parameters(model)
    average = averaging.begin(weights, settings.averaging)
    steps = sampling.steps_per_epoch(sizes, settings)
    total = steps * epochs
    done, seconds, best, curves = saved_progress(folder, model, optimizer, average)
    progress, begin = Progress(purpose, total, done, sure=not patience), time.monotonic()
    unread: list[Unread] = []
    model.train()
    with closing(Live(purpose, folder, curves, epochs, steps, {"seed": seed, **settings.model_dump()})) as live:
        while not finished(done // steps, epochs, best, patience):
            rows = sampling.draw(sizes, settings, seed, done // steps, done % steps, steps, objective.classes)
            seed_torch(seed, purpose, "dropout", done)
            lr = set_learning_rate(optimizer, settings, done, total)
            with enough_memory(purpose):
                values = update(objective, optimizer, rows, settings, combine)
            done += 1
            averaging.update(average, weights, settings.averaging, done)
            unread.append((done, lr, values))
            to_save, epoch_ends = done % settings.save_every == 0, done % steps == 0
            if to_save or epoch_ends or len(unread) == READ_EVERY[values["loss"].device.type]:
                curves.train += (points := read(unread, steps))
                live.show("train", points)
            trained = sum(len(some) for task, some in rows.items() if f"loss_{task}" in values)
            progress.step(trained, curves.train[-1]["loss"] if curves.train else math.nan)
            if epoch_ends:
                with averaging.averaged_weights(average, weights):
                    best = end_of_epoch(model, folder, done // steps, best, curves, validate, progress)
                live.show("dev", curves.dev[-1:])
            if to_save or finished(done // steps, epochs, best, patience):
                now = seconds + time.monotonic() - begin
                progress_so_far = {"done": done, "seconds": now, "best": best}
                resume.save(folder / STATE, model, optimizer, progress_so_far, average, vars(curves))
    if done < total:
        progress.say(f"{purpose}: ends with epoch {done // steps}, {patience} epochs without a better overall on dev")
    progress.close()
    if not best["epoch"]:
        raise SystemExit(f"{purpose}: in no epoch the scores on dev are finite; lower the learning rate")
    distributed.wait()  # for the file
    resume.load(folder / BEST, model, None)
    return Result(curves, int(best["epoch"]), done, seconds + time.monotonic() - begin)


def finished(epochs_done: int, epochs: int, best: Mapping[str, float], patience: int) -> bool:
    """Whether all epochs are done, or as many as the patience allows have brought no better figure on dev."""
    return epochs_done == epochs or 0 < patience <= epochs_done - best["epoch"]


def update(
    objective: Objective,
    optimizer: torch.optim.Optimizer,
    rows: Batches,
    settings: Training,
    combine: Combine | None = None,
) -> dict[str, Tensor]:
    """One step: forward, backward, clip, update. Returns the weighted sum of the losses and each of them.

    They are still on the device, since to read them is to wait for it. Only numbers leave: a step's graph must be gone
    before the next is built, or memory holds two of them.
    """
    by_task = objective.losses(rows)
    terms, parameters = objective.weigh(by_task), list(trained_parameters(objective.model).values())
    loss = torch.stack(terms).sum()
    optimizer.zero_grad(set_to_none=True)
    if combine:
        pcgrad.backward(terms, parameters, combine)
    else:
        loss.backward()  # type: ignore[no-untyped-call]
        distributed.average([p.grad for p in parameters if p.grad is not None])
    if settings.clip_norm:
        nn.utils.clip_grad_norm_(parameters, settings.clip_norm)
    optimizer.step()
    return {"loss": loss.detach(), **{f"loss_{task}": value.detach() for task, value in by_task.items()}}


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
        shown = ", ".join(f"{name} {number(value)}" for name, value in metrics.items())
        progress.say(f"{progress.title}: epoch {epoch} dev {shown}")
    figure = metrics["overall"]
    undefined = math.isnan(figure)  # never better than a figure; without any the last epoch is taken
    if figure > best["overall"] or (undefined and best["overall"] == -math.inf):
        resume.save(folder / BEST, model, None, {})
        return {"epoch": epoch, "overall": -math.inf if undefined else figure}
    return best


def saved_progress(
    folder: Path, model: nn.Module, optimizer: torch.optim.Optimizer, average: averaging.Weights
) -> tuple[int, float, dict[str, float], Curves]:
    """(steps done, seconds spent, best epoch, curves) of a saved state; zeros without one, or with a damaged one."""
    state, best = folder / STATE, folder / BEST
    progress, damage = None, None
    try:
        if os.path.lexists(state):
            if resume.read(state)[0]["best"]["epoch"]:  # the state is of no use without the weights of its best epoch
                resume.read(best)
            progress = resume.load(state, model, optimizer, average)
    except resume.Damaged as error:
        damage = error
    distributed.wait()  # all have looked, and have seen the same
    if damage and distributed.is_main():
        resume.set_aside(damage, state, best)
    if progress is None:
        return 0, 0.0, {"epoch": 0, "overall": float("-inf")}, Curves()
    return progress["done"], progress["seconds"], progress["best"], Curves(**progress["curves"])
