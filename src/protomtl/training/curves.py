"""The curves of a training: a point for each step, and one for each epoch."""

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

Points = list[dict[str, float]]  # of a curve: a line of its CSV file each, all with the same columns
Unread = tuple[int, float, dict[str, Tensor]]  # of a step: its number from 1, the rate, the losses


@dataclass
class Curves:
    """One line per step and one per epoch, as they go into CSV files."""

    train: Points = field(default_factory=list)
    dev: Points = field(default_factory=list)


def read(unread: list[Unread], steps: int) -> Points:
    """The points of the steps whose losses are still on the device, which are read all at once; empties the list."""
    numbers = iter(torch.stack([value for _, _, values in unread for value in values.values()]).tolist())
    points = [point(done, steps, lr, {name: next(numbers) for name in values}) for done, lr, values in unread]
    unread.clear()
    return points


def point(done: int, steps: int, lr: float, losses: dict[str, float]) -> dict[str, float]:
    """One line of the training curve."""
    if not math.isfinite(losses["loss"]):
        raise SystemExit(f"step {done}: the loss is {losses['loss']}; lower the learning rate or use precision fp32")
    rounded = {name: round(value, 6) for name, value in losses.items()}
    return {"step": done, "epoch": round(done / steps, 4), "lr": lr, **rounded}
