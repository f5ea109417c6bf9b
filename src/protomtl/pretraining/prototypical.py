"""Prototypical pre-training: embeddings of one class learn to cluster around their mean (report §4.3, A.2)."""

from collections.abc import Mapping
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from protomtl.model.encoder import Encoder, embed_batch, embed_table
from protomtl.model.heads import attribute, class_vectors
from protomtl.model.sequences import Sequences, TokenTable
from protomtl.pretraining.settings import Pretrain
from protomtl.tasks.settings import Task
from protomtl.training.loop import Objective
from protomtl.training.prototypical_loss import Rows, losses_of_tasks, scale_rates
from protomtl.training.sampling import Batches, steps_per_epoch
from protomtl.training.weighting import fixed


def objective(
    encoder: Encoder,
    tables: Mapping[str, TokenTable],
    tasks: Mapping[str, Task],
    labels: Mapping[str, np.ndarray],
    settings: Pretrain,
    seed: int,
) -> Objective:
    """For each task the prototypical loss of its rows; labels: [rows of the table], of regression they are rounded, or
    belong to both neighbours."""
    steps = steps_per_epoch({name: len(table) for name, table in tables.items()}, settings)
    whole, relation = settings.joins_pairs, settings.relates_pairs

    def embedded(table: TokenTable, rows: np.ndarray) -> Tensor:
        return class_vectors(embed_table(encoder, table, whole, rows), relation)

    train = {name: Rows(labels[name], partial(embedded, tables[name])) for name in tasks}
    widths = {name: encoder.width * (1 + (relation and task.pair)) for name, task in tasks.items()}
    loss = losses_of_tasks(tasks, settings, settings.prototypes, widths, steps, train, encoder.device, seed)

    width = encoder.network.get_input_embeddings().embedding_dim  # not the encoder's, in some families
    tokens = TaskTokens([*tasks], width).to(encoder.device) if settings.task_token else None

    def losses(rows: Batches) -> dict[str, Tensor]:
        groups = {name: tables[name].sequences_of(r, whole) for name, r in rows.items()}
        found = {}
        for name, parts in embed_batch(encoder, groups, tokens(groups) if tokens else None).items():
            known = torch.from_numpy(labels[name][rows[name]])  # on the CPU, which groups them
            found[name] = loss[attribute(name)](class_vectors(parts, relation), known)
        return found

    trained = nn.ModuleDict({"encoder": encoder, "loss": loss} | ({"tokens": tokens} if tokens else {}))
    rates = scale_rates(loss, "loss", settings.scale_lr)
    return Objective(trained, losses, fixed({}), rates)


class TaskTokens(nn.Module):
    """What tells the encoder which task a text is of: a learned vector on the first token (after Wu et al. 2021)."""

    def __init__(self, tasks: list[str], width: int) -> None:
        super().__init__()
        self.vectors = nn.ParameterDict({attribute(name): nn.Parameter(torch.zeros(width)) for name in tasks})

    def forward(self, groups: Mapping[str, list[Sequences]]) -> Tensor:
        """[tokens of all groups, width], to be added to the embeddings of the words."""
        lengths = {name: np.concatenate([part.lengths for part in several]) for name, several in groups.items()}
        every = np.concatenate([*lengths.values()])
        firsts = torch.from_numpy(np.cumsum(every) - every)
        own = [self.vectors[attribute(name)].expand(len(found), -1) for name, found in lengths.items()]
        rows = torch.cat(own)
        return rows.new_zeros(int(every.sum()), rows.shape[1]).index_copy(0, firsts.to(rows.device), rows)
