"""What a training keeps in the folder of its state: how far it is, and the weights of its best epoch on dev."""

import math
import os
from pathlib import Path

import torch
from torch import nn

from protomtl.model import checked_tensors, distributed
from protomtl.model.checked_tensors import Damaged
from protomtl.training import averaging, resume
from protomtl.training.curves import Curves

STATE, BEST = "state.safetensors", "best.safetensors"  # the last step, and the weights of the best epoch
Best = dict[str, float]  # `epoch` from 1, 0 for none; `overall`


def saved_progress(
    folder: Path, model: nn.Module, optimizer: torch.optim.Optimizer, average: averaging.Weights
) -> tuple[int, float, Best, Curves]:
    """(steps done, seconds spent, best epoch, curves) of a saved state; zeros without one, or with a damaged one."""
    state, best = folder / STATE, folder / BEST
    progress, damage = None, None
    try:
        if os.path.lexists(state):
            about, _ = checked_tensors.read(state)
            if about["best"]["epoch"]:  # the state is of no use without the weights of its best epoch
                checked_tensors.read(best)
            progress = resume.load(state, model, optimizer, average)
    except Damaged as error:
        damage = error
    distributed.wait()  # all have looked, and have seen the same
    if damage and distributed.is_main():
        resume.set_aside(damage, state, best)
    if progress is None:
        return 0, 0.0, {"epoch": 0, "overall": -math.inf}, Curves()
    return progress["done"], progress["seconds"], progress["best"], Curves(**progress["curves"])


def keep_if_best(best: Best, epoch: int, figure: float, model: nn.Module, folder: Path) -> Best:
    """The best epoch so far, whose weights are kept."""
    undefined = math.isnan(figure)  # never better than a figure; without any the last epoch is taken
    if figure > best["overall"] or (undefined and best["overall"] == -math.inf):
        resume.save(folder / BEST, model, None, {})
        return {"epoch": epoch, "overall": -math.inf if undefined else figure}
    return best


def take_best(model: nn.Module, folder: Path) -> None:
    """Give the model the weights of its best epoch."""
    distributed.wait()  # for the file
    resume.load(folder / BEST, model, None)
