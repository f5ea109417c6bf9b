"""The one training loop: it serves both phases and all methods."""

import math
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from protomtl.core.markdown import in_a_line
from protomtl.model import distributed
from protomtl.model.device import enough_memory
from protomtl.model.multitask import trained_parameters
from protomtl.model.seeding import seed_torch
from protomtl.training import averaging, pcgrad, resume, sampling, state_files
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
    course = Course(purpose, objective, sizes, settings, seed, folder, patience)
    with closing(course.live):
        while not course.finished:
            values, examples = course.step()
            to_save, epoch_ends = course.done % settings.save_every == 0, course.done % course.steps == 0
            course.show(values, examples, now=to_save or epoch_ends)
            if epoch_ends:
                course.end_epoch(validate)
            if to_save or course.finished:
                course.save()
    return course.end()


class Course:
    """A training on its way: what its steps change, how far it is, and where that is shown and saved."""

    def __init__(
        self,
        purpose: str,
        objective: Objective,
        sizes: Mapping[str, int],
        settings: Training,
        seed: int,
        folder: Path,
        patience: int,
    ) -> None:
        """It goes on from what is saved in `folder`."""
        self.purpose, self.objective, self.settings = purpose, objective, settings
        self.sizes, self.seed, self.folder = sizes, seed, folder
        self.patience, self.model = patience, objective.model
        self.combine = combiner(settings.gradients, settings.number_of_losses(sizes))
        if isinstance(self.combine, nn.Module):
            self.model.add_module("gradients", self.combine)  # what it remembers is saved with the state
        self.optimizer = build_optimizer(self.model, settings, objective.rates)
        self.weights = trained_parameters(self.model)
        self.average = averaging.begin(self.weights, settings.averaging)
        self.steps = sampling.steps_per_epoch(sizes, settings)
        self.total = self.steps * settings.epochs
        found = state_files.saved_progress(folder, self.model, self.optimizer, self.average)
        self.done, seconds, self.best, self.curves = found
        self.begin = time.monotonic() - seconds
        self.progress = Progress(purpose, self.total, self.done, sure=not patience)
        config = {"seed": seed, **settings.model_dump()}
        self.live = Live(purpose, folder, self.curves, settings.epochs, self.steps, config)
        self.unread: list[Unread] = []
        self.model.train()

    @property
    def finished(self) -> bool:
        """Whether all epochs are done, or as many as the patience allows have brought no better figure on dev."""
        epochs = self.done // self.steps
        return epochs == self.settings.epochs or 0 < self.patience <= epochs - self.best["epoch"]

    def step(self) -> tuple[dict[str, Tensor], int]:
        """What `update` returns of the next step, and how many examples had a part in it."""
        epoch, number = divmod(self.done, self.steps)
        rows = sampling.draw(self.sizes, self.settings, self.seed, epoch, number, self.steps, self.objective.classes)
        seed_torch(self.seed, self.purpose, "dropout", self.done)
        lr = set_learning_rate(self.optimizer, self.settings, self.done, self.total)
        with enough_memory(self.purpose):
            values = update(self.objective, self.optimizer, rows, self.settings, self.combine)
        self.done += 1
        averaging.update(self.average, self.weights, self.settings.averaging, self.done)
        self.unread.append((self.done, lr, values))
        return values, sum(len(some) for task, some in rows.items() if f"loss_{task}" in values)

    def show(self, values: Mapping[str, Tensor], examples: int, now: bool) -> None:
        """Put the steps that are not read yet on the curve, if it is time or there are many; tell of the last one."""
        if now or len(self.unread) == READ_EVERY[values["loss"].device.type]:
            self.curves.train += (points := read(self.unread, self.steps))
            self.live.show("train", points)
        self.progress.step(examples, self.curves.train[-1]["loss"] if self.curves.train else math.nan)

    def end_epoch(self, validate: Validate | None) -> None:
        """Validate, and keep the weights if this epoch is the best on dev so far; without dev the last one is."""
        epoch = self.done // self.steps
        with averaging.averaged_weights(self.average, self.weights):
            metrics = {"overall": float(epoch)} if validate is None else validate()
            if validate is not None:
                self.curves.dev.append({"epoch": epoch, **{name: round(value, 6) for name, value in metrics.items()}})
                self.progress.say(f"{self.purpose}: epoch {epoch} dev {in_a_line(metrics)}")
            self.best = state_files.keep_if_best(self.best, epoch, metrics["overall"], self.model, self.folder)
        self.live.show("dev", self.curves.dev[-1:])

    def save(self) -> None:
        """All that an interrupted training goes on from."""
        progress = {"done": self.done, "seconds": time.monotonic() - self.begin, "best": self.best}
        path = self.folder / state_files.STATE
        resume.save(path, self.model, self.optimizer, progress, self.average, vars(self.curves))

    def end(self) -> Result:
        """SystemExit where no epoch can be taken."""
        if self.done < self.total:
            epochs = f"ends with epoch {self.done // self.steps}"
            self.progress.say(f"{self.purpose}: {epochs}, {self.patience} epochs without a better overall on dev")
        self.progress.close()
        if not self.best["epoch"]:
            raise SystemExit(f"{self.purpose}: in no epoch the scores on dev are finite; lower the learning rate")
        state_files.take_best(self.model, self.folder)
        return Result(self.curves, int(self.best["epoch"]), self.done, time.monotonic() - self.begin)


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
