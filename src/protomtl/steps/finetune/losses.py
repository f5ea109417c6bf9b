"""The losses of one step of fine-tuning, of each task that is trained."""

from collections.abc import Mapping

import torch
from torch import Tensor

from protomtl.model.device import put
from protomtl.model.encoder import embed_batch
from protomtl.model.heads import attribute
from protomtl.model.multitask import MultiTaskModel
from protomtl.model.sequences import TokenTable
from protomtl.tasks.settings import Task
from protomtl.tasks.tensors import task_loss
from protomtl.training import loop
from protomtl.training.joint import Joint
from protomtl.training.sampling import Batches
from protomtl.training.settings import Finetune
from protomtl.training.smoothness import divergences


def finetuning_losses(
    model: MultiTaskModel,
    tables: Mapping[str, TokenTable],
    tasks: Mapping[str, Task],
    settings: Finetune,
    joint: Joint | None = None,
) -> loop.Losses:
    """The losses of a step: every trained task's rows through the encoder (or, frozen, looked up) and its head.

    joint: the prototypical losses beside them.
    """
    stored = {name: model.embedder(tables[name]) for name in tasks} if model.frozen else None
    smoothness = settings.smoothness

    def losses(drawn: Batches) -> dict[str, Tensor]:
        rows = {name: drawn[name] for name in tasks}
        if stored is None:
            groups = {name: model.sequences(tables[name], r) for name, r in rows.items()}
            parts = embed_batch(model.encoder, groups)
        else:
            groups, parts = {}, {name: stored[name](r) for name, r in rows.items()}
        known = {name: torch.from_numpy(tables[name].labels[r]) for name, r in rows.items()}
        labels = {name: put(values, model.encoder.device) for name, values in known.items()}
        outputs = {name: model.heads[attribute(name)](*parts[name]) for name in rows}
        found = {name: task_loss(tasks[name], outputs[name], labels[name], settings.label_smoothing) for name in rows}
        if smoothness.weight:
            moved = divergences(model.encoder, model.heads, tasks, groups, outputs, smoothness)
            found = {name: found[name] + smoothness.weight * moved[name] for name in rows}
        if joint:
            found = {n: found[n] + settings.prototypes.weight * joint.loss(n, parts[n], known[n]) for n in rows}
        return found

    return losses
