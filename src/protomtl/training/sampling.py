"""Which rows each step trains on: a pure function of (seed, task, epoch, step), so that resuming is exact."""

from collections.abc import Mapping

import numpy as np
import torch

from protomtl.seeds import generator
from protomtl.tasks.settings import Task
from protomtl.tasks.tensors import class_indices
from protomtl.training.settings import Training

# One batch of each task in every step; otherwise, episodes aside, tasks have shares of a step.
EVEN = ("longest", "zip")
POWERS = {"proportional": 1.0, "sqrt": 0.5}
ANNEALED = 0.8  # by how much the power falls from the first epoch to the last (Stickland and Murray 2019, §3.3)

Batches = dict[str, np.ndarray]  # task -> rows of the step


def steps_per_epoch(sizes: Mapping[str, int], settings: Training) -> int:
    """Steps of one epoch: as many as the longest (or, `zip`, the shortest) task has batches (§5.3).

    Where tasks have shares of a step, as many as all rows together fill. A budget in
    `settings.steps_per_epoch` takes its place; for `zip` it can only shorten the epoch.
    """
    batches = [number_of_batches(size, settings.batch_size) for size in sizes.values()]
    if settings.sampling == "zip":
        return min(settings.steps_per_epoch or min(batches), min(batches))
    whole = number_of_batches(sum(sizes.values()), settings.batch_size * len(sizes))
    return settings.steps_per_epoch or (max(batches) if settings.sampling in ("longest", "episodes") else whole)


def number_of_batches(size: int, batch_size: int) -> int:
    return -(-size // batch_size)


def draw(
    sizes: Mapping[str, int],
    settings: Training,
    seed: int,
    epoch: int,
    step: int,
    steps: int,
    classes: Mapping[str, np.ndarray] | None = None,
) -> Batches:
    """The rows of every task in step `step` of epoch `epoch` (both from 0, `steps` steps an epoch).

    classes: [rows] of each task, for `sampling: episodes`.
    """
    if settings.sampling == "episodes":
        known, number = classes or {}, epoch * steps + step
        return {task: episode(seed, task, known[task], settings.batch_size, number) for task in sizes}
    if settings.sampling in EVEN:
        return {task: rows(task, size, settings, seed, epoch, step, steps) for task, size in sizes.items()}
    before = sum(np.floor(steps * shares(sizes, settings, past)) for past in range(epoch))
    first, last = (before + np.floor(done * shares(sizes, settings, epoch)) for done in (step, step + 1))
    return {
        task: stretch(seed, task, sizes[task], int(start), int(stop))
        for task, start, stop in zip(sizes, first, last, strict=True)
    }


def classes_of(tasks: Mapping[str, Task], labels: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """[rows] of each task the class of each of its labels [rows], from 0: what `sampling: episodes` draws by."""
    return {name: class_indices(task, torch.tensor(labels[name])).numpy() for name, task in tasks.items()}


def episode(seed: int, task: str, classes: np.ndarray, batch_size: int, number: int) -> np.ndarray:
    """[about batch_size] rows of an N-way K-shot episode: as many of each of N classes, an even number, one half for
    support and one for queries (Snell et al. 2017, algorithm 1).

    N is all classes that have two rows, or as many of them, at random, as a batch has pairs. A class with too few rows
    gives those that it has. SystemExit for a task without such a class.
    """
    random = generator(seed, "episode", task, number)
    known, counts = np.unique(classes, return_counts=True)
    known = known[counts > 1]
    if not len(known):
        raise SystemExit(f"tasks.{task}: no class has two training rows, which `sampling: episodes` needs")
    ways = random.permutation(known)[: max(1, batch_size // 2)]
    each = max(2, batch_size // len(ways) // 2 * 2)
    rows = [np.flatnonzero(classes == way) for way in ways]
    return np.concatenate([random.choice(some, min(each, len(some) // 2 * 2), replace=False) for some in rows])


def shares(sizes: Mapping[str, int], settings: Training, epoch: int) -> np.ndarray:
    """[tasks] rows of each task in a step, on average: in proportion to size^power, at least one.

    Together about as many as with one batch of each task. `annealed`: the power falls from 1, so that tasks
    become more equal with every epoch (Stickland and Murray 2019).
    """
    if settings.sampling == "annealed":
        power = 1 - ANNEALED * epoch / max(settings.epochs - 1, 1)
    else:
        power = POWERS[settings.sampling]
    weights = np.array(list(sizes.values()), dtype=float) ** power
    found: np.ndarray = np.maximum(settings.batch_size * len(sizes) * weights / weights.sum(), 1)
    return found


def stretch(seed: int, task: str, size: int, start: int, stop: int) -> np.ndarray:
    """[stop - start] rows `start` to `stop` of the endless sequence of passes over a task."""
    passes = range(start // size, (stop - 1) // size + 1)
    bounds = [(max(start - passed * size, 0), min(stop - passed * size, size)) for passed in passes]
    parts = [order(seed, task, passed, size)[a:b] for passed, (a, b) in zip(passes, bounds, strict=True)]
    return np.concatenate(parts)


def rows(task: str, size: int, settings: Training, seed: int, epoch: int, step: int, steps: int) -> np.ndarray:
    """[batch] the rows of one task where every task has a batch in each step.

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


_orders: dict[str, tuple[tuple[int, int, int], np.ndarray]] = {}  # more than one of a task may not fit into memory


def order(seed: int, task: str, passed: int, size: int) -> np.ndarray:
    """[size] the random order of one pass, drawn once and not for each step: the last one of each task is kept."""
    which = (seed, passed, size)
    if task not in _orders or _orders[task][0] != which:
        _orders[task] = which, generator(seed, "order", task, passed).permutation(size)
    return _orders[task][1]
