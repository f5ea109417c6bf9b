"""The dev figures of a model while it is trained, by which the epoch is chosen."""

import math
from functools import partial

import numpy as np
from torch import Tensor

from protomtl.core.paths import TOKENS
from protomtl.metrics import main_figure, overall
from protomtl.model.multitask import MultiTaskModel
from protomtl.model.sequences import TokenTable
from protomtl.tasks.settings import Task
from protomtl.training import loop

Seen = dict[str, list[tuple[Tensor, ...]]]  # vectors of dev rows: of each task, of each block, of each sequence group


def validation(model: MultiTaskModel, tasks: dict[str, Task], seen: Seen | None = None) -> loop.Validate:
    """What gives the dev figure of each task, and `overall`; seen: where it leaves the last vectors, in blocks.

    Scores that are not finite make the figure of their task -inf, and `overall` too, whether it counts the task or not.
    """
    dev = {name: TokenTable.open(TOKENS, name, "dev") for name in tasks}
    embed = {name: model.embedder(table) for name, table in dev.items()}

    def remembered(name: str, rows: np.ndarray) -> tuple[Tensor, ...]:
        found = embed[name](rows)
        if seen is not None:
            seen[name] = [*(seen[name] if rows[0] else []), found]
        return found

    def validate() -> dict[str, float]:
        main = {}
        for name, task in tasks.items():
            scores = model.scores(name, task, partial(remembered, name), len(dev[name]))
            finite = np.isfinite(scores).all()
            main[name] = main_figure(task, dev[name].labels, task.what.predictions(scores)) if finite else -math.inf
        broken = -math.inf in main.values()
        return {"overall": -math.inf if broken else overall(tasks, main), **main}

    return validate
