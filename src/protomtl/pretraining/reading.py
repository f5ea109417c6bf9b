"""What prototypes say of dev and test straight after phase 1, before any head is trained (report §4.3).

Phase 1 says it itself, of the encoder that it has in its hands: to evaluate a fine-tuning, and to do so again after
another one, needs no second encoder. The figures of these predictions are the evaluation's.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from protomtl.core.paths import TOKENS
from protomtl.core.settings import HELD_OUT
from protomtl.model import readout
from protomtl.model.checkpoint import distance_of
from protomtl.model.encoder import Encoder, embed_table
from protomtl.model.heads import class_vectors
from protomtl.model.multitask import EXAMPLES, in_blocks
from protomtl.model.sequences import TokenTable
from protomtl.pretraining.settings import Pretrain
from protomtl.seeds import some_rows
from protomtl.tasks.settings import Task
from protomtl.tasks.tensors import class_indices

Said = dict[tuple[str, str], pd.DataFrame]  # of (split, task): a row an example


class Rows(NamedTuple):
    """Vectors [n, width] and classes [n] of rows of one split of a task."""

    vectors: Tensor
    classes: Tensor


def read_by_prototypes(encoder: Encoder, tasks: Mapping[str, Task], settings: Pretrain, seed: int) -> Said:
    """Predictions of every dev and test row of the tasks that prototypes can predict: `readout` with prior and scale,
    and of classes `nearest` without. Of the vectors, and in the distance, that phase 1 trained.

    One of several processes: they share the encoding.
    """
    found: Said = {}
    for name, task in readout.readable(tasks).items():
        train = embedded(encoder, name, task, "train", settings, seed, EXAMPLES)
        own = {split: embedded(encoder, name, task, split, settings, seed) for split in HELD_OUT}
        fitted = readout.fit(*train, task.number_of_classes, *own["dev"], distance_of(settings.model_dump()))
        for split, rows in own.items():
            said = {"readout": readout.predictions(task, fitted.probabilities(rows.vectors))}
            if task.what.one_class:
                said["nearest"] = fitted.nearest(rows.vectors).cpu().numpy()
            found[split, name] = pd.DataFrame(said)
    return found


def embedded(
    encoder: Encoder, name: str, task: Task, split: str, settings: Pretrain, seed: int, most: int | None = None
) -> Rows:
    """All rows of a split, or at most so many random ones, with pairs as in phase 1."""
    table = TokenTable.open(TOKENS, name, split)
    some = some_rows(len(table), most or len(table), seed, "prototypes", name)
    parts = (embed_table(encoder, table, settings.joins_pairs, some[block]) for block in in_blocks(len(some)))
    vectors = torch.cat([class_vectors(part, settings.relates_pairs) for part in parts])
    classes = class_indices(task, torch.from_numpy(np.asarray(table.labels)[some])).to(vectors.device)
    return Rows(vectors, classes)


def write(found: Said, folder: Path) -> None:
    """SPLIT/TASK.csv, in the order of the prepared rows. Nine digits are all of a number in single precision."""
    for (split, name), said in found.items():
        (folder / split).mkdir(exist_ok=True)
        said.to_csv(folder / split / f"{name}.csv", index=False, lineterminator="\n", float_format="%.9g")
