"""Encoder and heads together, and the folder that holds a trained model."""

import shutil
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from protomtl import __version__
from protomtl.encoder import Encoder, evaluating
from protomtl.files import read_json, write_json
from protomtl.heads import build_heads, probabilities
from protomtl.paths import BACKBONE
from protomtl.random import seed_torch
from protomtl.schema import Compute, Finetune, Task
from protomtl.tokens import Sequences, TokenTable
from protomtl.weighting import Uncertainty, fixed

LIBRARIES = ("torch", "transformers", "safetensors", "numpy", "scipy", "scikit-learn")
BLOCK = 4096  # rows that are embedded at a time

Embedder = Callable[[np.ndarray], tuple[Tensor, ...]]


class MultiTaskModel(nn.Module):
    """One encoder, one head per task."""

    def __init__(self, encoder: Encoder, tasks: dict[str, Task], settings: Finetune, seed: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.settings = settings
        seed_torch(seed, "heads")
        self.heads = build_heads(tasks, encoder.width, settings).to(encoder.device)
        self.weigh = (
            Uncertainty(tasks).to(encoder.device) if settings.weighting == "uncertainty" else fixed(settings.weights)
        )
        self.frozen = settings.frozen
        if self.frozen:
            encoder.requires_grad_(False)

    def sequences(self, table: TokenTable, rows: np.ndarray) -> list[Sequences]:
        """What the encoder embeds of each row: one sequence; of a pair one, two or three."""
        if len(table.sides) == 1:
            return [table.single(rows, 0)]
        match self.settings.encoding_of(table.task):
            case "both_ways":
                return [table.pair(rows), table.pair(rows, turned=True)]
            case "joint":
                return [table.pair(rows), *table.embeddable(rows, concat=False)]
            case how:
                return table.embeddable(rows, how == "concat")

    def embedder(self, table: TokenTable) -> Embedder:
        """rows -> the embeddings of these rows without dropout or gradient; a frozen encoder encodes once."""
        return self.stored(table) if self.frozen else partial(self.embed, table)

    def embed(self, table: TokenTable, rows: np.ndarray) -> tuple[Tensor, ...]:
        """The embeddings [rows, width] of some rows, without dropout or gradient: one tensor per group."""
        with evaluating(self.encoder):
            return tuple(self.encoder(group) for group in self.sequences(table, rows))

    def stored(self, table: TokenTable) -> Embedder:
        """The same for an encoder that no longer changes: the whole table is encoded here, once."""
        blocks = [self.embed(table, rows) for rows in in_blocks(len(table))]
        whole = [torch.cat(parts) for parts in zip(*blocks, strict=True)]
        return lambda rows: tuple(vectors[torch.from_numpy(rows)] for vectors in whole)

    def scores(self, name: str, task: Task, embed: Embedder, size: int) -> np.ndarray:
        """[size, classes] probabilities (regression: [size, 1] values) of a whole table, without dropout."""
        with evaluating(self):
            blocks = [probabilities(task, self.heads[name](*embed(rows))) for rows in in_blocks(size)]
        return torch.cat(blocks).cpu().numpy()


def in_blocks(size: int) -> list[np.ndarray]:
    """Row numbers 0 .. size - 1 in blocks that fit into memory when embedded."""
    return [np.arange(start, min(start + BLOCK, size)) for start in range(0, size, BLOCK)]


def save_encoder(encoder: Encoder, folder: Path) -> None:
    """Write the encoder as a Hugging Face folder: config.json, model.safetensors and the tokenizer's files."""
    encoder.bert.save_pretrained(folder)
    for file in BACKBONE.iterdir():
        if file.is_file() and file.suffix in (".json", ".txt", ".model") and not (folder / file.name).exists():
            shutil.copyfile(file, folder / file.name)


def save_heads(heads: nn.ModuleDict, path: Path) -> None:
    """Write the heads' parameters; layers that two heads share are written once."""
    parameters = {name: p.detach().cpu().contiguous() for name, p in heads.named_parameters()}
    save_file(parameters, path)


def load_heads(heads: nn.ModuleDict, path: Path) -> None:
    """Read what `save_heads` wrote; anything that does not fit is an error."""
    tensors: dict[str, Tensor] = load_file(path)
    if set(tensors) != {name for name, _ in heads.named_parameters()}:
        raise SystemExit(f"{path}: these heads are not the ones that the configuration beside it describes")
    heads.load_state_dict(tensors, strict=False)


def save_record(folder: Path, settings: dict[str, Any], encoder: Encoder, compute: Compute) -> None:
    """config.json: all that a result depends on, and what `auto` became; versions.json: the libraries that made it."""
    resolved = {"precision": encoder.precision, "device": encoder.device.type}
    write_json(folder / "config.json", settings | {"compute": compute.model_dump(), "resolved": resolved})
    write_json(folder / "versions.json", {"protomtl": __version__} | {name: version(name) for name in LIBRARIES})


def trained_model(folder: Path, encoder: Path, record: dict[str, Any]) -> tuple[MultiTaskModel, dict[str, Task]]:
    """The model whose heads lie in `folder`, as its record (config.json of fine-tuning) says, and its tasks."""
    tasks = {name: Task.model_validate(task) for name, task in record["tasks"].items()}
    compute, settings = Compute.model_validate(record["compute"]), Finetune.model_validate(record["finetune"])
    bert = Encoder(encoder, record["backbone"]["pooling"], compute)
    model = MultiTaskModel(bert, tasks, settings, record["seed"])
    load_heads(model.heads, folder / "heads.safetensors")
    return model, tasks


def starting_encoder(pretrained: Path) -> Path:
    """The folder of the encoder that fine-tuning starts from: pre-trained, or the backbone as it is."""
    return Path(read_json(pretrained / "start.json")["encoder"])
