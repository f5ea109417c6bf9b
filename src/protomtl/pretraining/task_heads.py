"""Pre-finetuning: phase 1 with a head for each task, as MUPPET does (Aghajanyan et al. 2021), and its plain control."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from protomtl.model.device import put
from protomtl.model.encoder import Encoder, embed_batch
from protomtl.model.heads import PairHead, SingleHead, attribute
from protomtl.model.seeding import seed_torch
from protomtl.model.sequences import TokenTable
from protomtl.pretraining.settings import Pretrain
from protomtl.tasks.settings import Task
from protomtl.tasks.tensors import as_classes, class_indices, task_loss
from protomtl.training.balance import begin_at_mean, known_chance
from protomtl.training.loop import Objective
from protomtl.training.ordinal import cross_entropy, shares
from protomtl.training.sampling import Batches, classes_of
from protomtl.training.smoothness import divergences
from protomtl.training.weighting import fixed

NEVER = -1e4  # log π of a class without a training row: with -inf its share, 0, would be multiplied by infinity


def objective(
    encoder: Encoder,
    tables: Mapping[str, TokenTable],
    tasks: Mapping[str, Task],
    labels: Mapping[str, np.ndarray],
    settings: Pretrain,
    seed: int,
) -> Objective:
    """Linear heads that are thrown away afterwards; every step holds rows of every task.

    `tasks`: the tasks' own losses, as if fine-tuning came twice. `muppet`: each of these divided by what a guess costs
    (`chance_loss`), with smoothness if it is asked for. `softmax`: cross entropy over the classes of
    prototypical pre-training, unweighted: the control that has linear heads, with the dropout and the rate of heads, in
    the place of the prototypes.
    """
    own, own_labels = tasks, labels
    if settings.objective == "softmax":
        labels = classes_of(tasks, labels)
        tasks = {name: as_classes(task) for name, task in tasks.items()}
    heads = heads_of(encoder, tasks, labels, settings, seed)
    muppet = settings.objective == "muppet"
    weights = {name: 1 / known_chance(name, task, labels[name]) for name, task in tasks.items()} if muppet else {}

    def losses(rows: Batches) -> dict[str, Tensor]:
        groups = {name: tables[name].sequences_of(r, settings.joins_pairs) for name, r in rows.items()}
        outputs = {name: heads[attribute(name)](*parts) for name, parts in embed_batch(encoder, groups).items()}
        gold = {name: put(torch.from_numpy(labels[name][r]), encoder.device) for name, r in rows.items()}
        if settings.objective == "softmax" and (settings.prior or settings.values == "between"):
            return {n: adjusted_loss(own[n], outputs[n], own_labels[n], r, settings) for n, r in rows.items()}
        found = {name: task_loss(tasks[name], outputs[name], gold[name]) for name in rows}
        if settings.smoothness.weight:
            moved = divergences(encoder, heads, tasks, groups, outputs, settings.smoothness)
            found = {name: found[name] + settings.smoothness.weight * moved[name] for name in rows}
        return found

    return Objective(nn.ModuleDict({"encoder": encoder, "heads": heads}), losses, fixed(weights))


def heads_of(
    encoder: Encoder, tasks: Mapping[str, Task], labels: Mapping[str, np.ndarray], settings: Pretrain, seed: int
) -> nn.ModuleDict:
    """The head of each task, on the encoder's device; labels: [rows of the table] of each."""
    seed_torch(seed, "heads of pre-finetuning")
    heads = nn.ModuleDict({attribute(name): head_of(encoder, task, settings) for name, task in tasks.items()})
    if settings.value_bias == "mean":
        begin_at_mean(heads, tasks, labels)
    return heads.to(encoder.device)


def head_of(encoder: Encoder, task: Task, settings: Pretrain) -> nn.Module:
    """A linear head, with dropout before it: of the vector that the encoding of pairs makes of a row."""
    spectral = settings.smoothness.spectral
    if settings.relates_pairs and task.pair:
        return PairHead(encoder.width, task.outputs, "relation", None, spectral)
    return SingleHead(encoder.width, task.outputs, spectral)


def adjusted_loss(task: Task, outputs: Tensor, labels: np.ndarray, rows: np.ndarray, settings: Pretrain) -> Tensor:
    """Cross entropy of outputs [n, classes] with the class's frequency added (Menon et al. 2021), or of scores that
    belong to two classes; labels: [rows of the table], of which `rows` [n] are those of the step."""
    if settings.prior:
        prior = shares(task, torch.tensor(labels)).mean(0).log()
        outputs = outputs + prior.clamp_min(NEVER).to(outputs)
    own = torch.from_numpy(labels[rows])
    between = settings.values == "between"
    whole = shares(task, own) if between else functional.one_hot(class_indices(task, own), task.number_of_classes)
    return cross_entropy(outputs, whole.to(outputs))
