"""Which rows each step trains on: a pure function of (seed, task, epoch, step), so that resuming is exact."""

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from protomtl.config import Training
from protomtl.random import generator


def steps_per_epoch(sizes: Mapping[str, int], settings: Training) -> int:
    """Steps of one epoch: as many as the longest (or, `zip`, the shortest) task has batches (§5.3).

    A budget in `settings.steps_per_epoch` takes its place; for `zip` it can only shorten the epoch.
    """
    batches = [number_of_batches(size, settings.batch_size) for size in sizes.values()]
    if settings.sampling == "longest":
        return settings.steps_per_epoch or max(batches)
    return min(settings.steps_per_epoch or min(batches), min(batches))


def number_of_batches(size: int, batch_size: int) -> int:
    return -(-size // batch_size)


def rows(task: str, size: int, settings: Training, seed: int, epoch: int, step: int, steps: int) -> np.ndarray:
    """[batch] the rows of one task in step `step` of epoch `epoch` (both from 0, `steps` steps an epoch).

    Each pass over a task visits every row once in a new random order. `zip` starts a new pass with each
    epoch. `longest` goes on where the last epoch stopped, and begins anew when a task is exhausted.
    """
    batches = number_of_batches(size, settings.batch_size)
    if settings.sampling == "zip":
        passed, batch = epoch, step
    else:
        passed, batch = divmod(epoch * steps + step, batches)
    start = batch * settings.batch_size
    return order(seed, task, passed, size)[start : start + settings.batch_size].copy()


@lru_cache(maxsize=32)  # drawn once for a pass over a task, not once for each of its steps
def order(seed: int, task: str, passed: int, size: int) -> np.ndarray:
    """[size] the random order of one pass."""
    return generator(seed, "order", task, passed).permutation(size)
