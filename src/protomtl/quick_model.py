"""A model whose heads are fitted at once on some training rows, as a folder that `load` reads: for `protomtl try`."""

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from protomtl.backends.whole import check, rest_of, sealed
from protomtl.core.files import atomic, digest_folder, digest_of, read_json, read_record, write_json
from protomtl.core.paths import BACKBONE, MAP, PROTOTYPES, RECORD, STATE, TOKENS
from protomtl.core.sections import PARAMS, settings_of_method
from protomtl.inference.loading import refuse_added
from protomtl.model.checkpoint import save_heads, trained_model
from protomtl.model.encoder import Encoder, settle
from protomtl.model.heads import attribute
from protomtl.model.multitask import EXAMPLES, MultiTaskModel
from protomtl.model.prototypes import all_prototypes
from protomtl.model.sequences import TokenTable
from protomtl.model.settings import Compute, Heads
from protomtl.params import Params
from protomtl.seeds import some_rows
from protomtl.steps.export.build import plane
from protomtl.steps.finetune.closed_form import Rows, fit_head
from protomtl.tasks.settings import main_tasks, tasks_of
from protomtl.tasks.tensors import class_indices

FOLDER = STATE / "try" / "model"
METHOD, SEED = "frozen_logistic", 1  # of the rows without training the best on dev


def quick_model(chosen: Params, with_map: bool) -> Path:
    """The folder of the model by today's data, encoder and parameters; one that is whole is not fitted again."""
    record = described(chosen)
    if not is_there(record):
        print(f"fitting the heads on up to {EXAMPLES} training rows of each task …", file=sys.stderr, flush=True)
        with atomic(FOLDER) as part:
            write(part, record)
    if with_map and not (FOLDER / MAP).exists():
        print("drawing the map …", file=sys.stderr, flush=True)
        model, tasks = trained_model(FOLDER, FOLDER, record)
        with atomic(FOLDER / MAP) as part:
            save_file(plane(model, tasks, load_file(FOLDER / PROTOTYPES), SEED), part)
        write_json(FOLDER / RECORD, sealed(FOLDER, record))
    return FOLDER


def is_there(record: dict[str, Any]) -> bool:
    """Whether the model of this record lies there, and no byte of it is another one."""
    try:
        found = read_json(FOLDER / RECORD)
        if rest_of(found) == record:
            check(FOLDER, found)
            refuse_added(FOLDER, found)
            return True
    except (OSError, SystemExit, AttributeError, TypeError):  # none, or what is damaged
        pass
    return False


def described(chosen: Params) -> dict[str, Any]:
    """The record of the model, as fine-tuning writes it; all cores may work, since nothing else is compared with it."""
    if METHOD not in chosen.method:
        raise SystemExit(f"{PARAMS}: method.{METHOD}: this block is missing; `protomtl try` fits its heads by it")
    finetune = settings_of_method("finetune", chosen.finetune, METHOD, chosen.method[METHOD].finetune)
    compute = chosen.compute.model_copy(update={"threads": os.cpu_count() or 1, "processes": 1})
    tokens = read_record(TOKENS / "tokens.json")
    record: dict[str, Any] = {
        "method": METHOD,
        "seed": SEED,
        "finetune": finetune.model_dump(),
        "tasks": {name: task.model_dump(mode="json") for name, task in main_tasks(chosen.tasks).items()},
        "backbone": chosen.backbone.model_dump(),
        "compute": compute.model_dump(),
        "max_length": tokens["max_length"],
        "inputs": digest_of(tokens, digest_folder(BACKBONE)),
    }
    return record


def write(folder: Path, record: dict[str, Any]) -> None:
    """Fit the heads, and put them beside the backbone with the prototypes and the record."""
    shutil.copytree(BACKBONE, folder, ignore=shutil.ignore_patterns(".*"))
    tasks = tasks_of(record)
    compute, heads = Compute.model_validate(record["compute"]), Heads.model_validate(record["finetune"])
    settle(compute)
    model = MultiTaskModel(Encoder(folder, record["backbone"]["pooling"], compute), tasks, heads, SEED).eval()
    means = {}
    for name, task in tasks.items():
        rows = training_rows(model, name)
        fit_head(model.heads[attribute(name)], name, task, record["finetune"]["fit"], rows, rows)
        vectors, classes = torch.stack(rows.embeddings).sum(0), class_indices(task, torch.from_numpy(rows.labels))
        means[name] = all_prototypes(vectors, classes.to(vectors.device), task.number_of_classes).cpu()
    save_heads(model.heads, folder / "heads.safetensors")
    save_file(means, folder / PROTOTYPES)
    write_json(folder / RECORD, sealed(folder, record))


def training_rows(model: MultiTaskModel, name: str) -> Rows:
    """Random training rows of a task."""
    table = TokenTable.open(TOKENS, name, "train")
    rows = some_rows(len(table), EXAMPLES, SEED, "prototypes", name)
    return Rows(model.embed(table, rows), table.labels[rows])
