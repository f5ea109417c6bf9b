"""Pre-finetuning: phase 1 with a head for each task, as MUPPET does (Aghajanyan et al. 2021), and its plain control."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from protomtl.model.device import put
from protomtl.model.encoder import Encoder, embed_batch
from protomtl.model.heads import SingleHead, attribute
from protomtl.model.seeding import seed_torch
from protomtl.model.sequences import TokenTable
from protomtl.pretraining.settings import Pretrain
from protomtl.tasks.settings import Task
from protomtl.tasks.tensors import as_classes, chance_loss, class_indices, task_loss
from protomtl.training.loop import Objective
from protomtl.training.sampling import Batches
from protomtl.training.smoothness import divergences
from protomtl.training.weighting import fixed


def objective(
    encoder: Encoder,
    tables: Mapping[str, TokenTable],
    tasks: Mapping[str, Task],
    labels: Mapping[str, np.ndarray],
    settings: Pretrain,
    seed: int,
) -> Objective:
    """Linear heads that are thrown away afterwards; every step holds rows of every task.

    `muppet`: the tasks' own losses, each divided by what a guess costs (`chance_loss`), with smoothness if it is
    asked for. `softmax`: cross entropy over the classes of prototypical pre-training, unweighted: the control that
    has linear heads, with the dropout and the rate of heads, in the place of the prototypes.
    """
    if settings.objective == "softmax":
        labels = {name: class_indices(task, torch.tensor(labels[name])).numpy() for name, task in tasks.items()}
        tasks = {name: as_classes(task) for name, task in tasks.items()}
    seed_torch(seed, "heads of pre-finetuning")
    outputs_of = {name: task.outputs for name, task in tasks.items()}
    spectral = settings.smoothness.spectral
    heads = nn.ModuleDict({attribute(name): SingleHead(encoder.width, n, spectral) for name, n in outputs_of.items()})
    heads.to(encoder.device)
    muppet = settings.objective == "muppet"
    weights = {name: 1 / known_chance(name, task, labels[name]) for name, task in tasks.items()} if muppet else {}

    def losses(rows: Batches) -> dict[str, Tensor]:
        groups = {name: tables[name].sequences_of(r, settings.pair_encoding == "concat") for name, r in rows.items()}
        outputs = {name: heads[attribute(name)](*parts) for name, parts in embed_batch(encoder, groups).items()}
        gold = {name: put(torch.from_numpy(labels[name][r]), encoder.device) for name, r in rows.items()}
        found = {name: task_loss(tasks[name], outputs[name], gold[name]) for name in rows}
        if settings.smoothness.weight:
            moved = divergences(encoder, heads, tasks, groups, outputs, settings.smoothness)
            found = {name: found[name] + settings.smoothness.weight * moved[name] for name in rows}
        return found

    return Objective(nn.ModuleDict({"encoder": encoder, "heads": heads}), losses, fixed(weights))


def known_chance(name: str, task: Task, labels: np.ndarray) -> float:
    """`chance_loss`, if it is above 0. SystemExit for a task of values that are all equal."""
    found = chance_loss(task, labels)
    if not found:
        raise SystemExit(
            f"tasks.{name}: all labels of the train split are {labels[0]:g}; MUPPET divides by their variance"
        )
    return found
