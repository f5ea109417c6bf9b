"""Pre-finetuning: phase 1 with a head for each task, as MUPPET does (Aghajanyan et al. 2021), and its plain control."""

import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from protomtl.encoder import Encoder, embed_batch
from protomtl.heads import SingleHead, task_loss
from protomtl.prototypes import class_numbers, number_of_classes
from protomtl.random import seed_torch
from protomtl.sampling import Batches
from protomtl.schema import Pretrain, Task
from protomtl.smoothness import divergences
from protomtl.tokens import TokenTable
from protomtl.training import Objective
from protomtl.weighting import fixed


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
        labels = {name: class_numbers(task, torch.tensor(labels[name])).numpy() for name, task in tasks.items()}
        tasks = {name: as_classes(task) for name, task in tasks.items()}
    seed_torch(seed, "heads of pre-finetuning")
    outputs_of = {name: task.classes or 1 for name, task in tasks.items()}
    spectral = settings.smoothness.spectral
    heads = nn.ModuleDict({name: SingleHead(encoder.width, n, spectral) for name, n in outputs_of.items()})
    heads.to(encoder.device)
    muppet = settings.objective == "muppet"
    weights = {name: 1 / chance_loss(task, labels[name]) for name, task in tasks.items()} if muppet else {}

    def losses(rows: Batches) -> dict[str, Tensor]:
        groups = {name: tables[name].embeddable(r, settings.pair_encoding == "concat") for name, r in rows.items()}
        outputs = {name: heads[name](*parts) for name, parts in embed_batch(encoder, groups).items()}
        gold = {name: torch.from_numpy(labels[name][r]).to(encoder.device) for name, r in rows.items()}
        found = {name: task_loss(tasks[name], outputs[name], gold[name]) for name in rows}
        if settings.smoothness.weight:
            moved = divergences(encoder, heads, tasks, groups, outputs, settings.smoothness)
            found = {name: found[name] + settings.smoothness.weight * moved[name] for name in rows}
        return found

    return Objective(nn.ModuleDict({"encoder": encoder, "heads": heads}), losses, fixed(weights))


def chance_loss(task: Task, labels: np.ndarray) -> float:
    """What a guess costs: log n of n classes (MUPPET, §3.2), so that every task's loss begins near 1.

    MUPPET has no regression task: there it is the variance of the training labels, the loss of their mean.
    """
    if task.kind == "regression":
        return float(np.var(labels))
    return math.log(task.classes or 2)


def as_classes(task: Task) -> Task:
    """The task as prototypical pre-training sees it: a class for each (rounded) label."""
    more = {"kind": "classification", "classes": number_of_classes(task), "range": None, "ordered": False}
    return task.model_copy(update=more)
