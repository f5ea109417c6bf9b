"""The folder of an export: made of a run, and made into one of another format."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from protomtl.analysis import bootstrap, comparisons
from protomtl.analysis.predictions import read_predictions
from protomtl.backends.opening import opened
from protomtl.backends.whole import sealed
from protomtl.core.files import read_record, write_json
from protomtl.core.paths import CALIBRATION, CARD, MAP, PROTOTYPES, READOUT, RECORD, TOKENS, results
from protomtl.core.runs import Run
from protomtl.core.settings import HELD_OUT
from protomtl.model.checkpoint import trained_model
from protomtl.model.encoder import settle
from protomtl.model.multitask import MultiTaskModel
from protomtl.model.prototypes import all_prototypes
from protomtl.model.remembered import remembered
from protomtl.model.settings import Compute
from protomtl.plots import projection
from protomtl.seeds import number
from protomtl.steps.export import card, copies, onnx, static
from protomtl.steps.export.sentence_transformers import write_sentence_transformer
from protomtl.steps.export.trust import trust, write_examples
from protomtl.tasks.settings import Task
from protomtl.tokenizer import open_tokenizer

SHOWN, PERPLEXITY = 300, 30  # dev examples of each task on its map
LEFT_OUT = {"data_config.json"}  # of the default backbone's folder: what its authors trained on, not what we did
ANYWHERE = {"device": "cpu", "precision": "fp32", "threads": 1, "processes": 1}


def build(method: str, seed: int, target: Path, examples: int = 0) -> None:
    """Make a folder that AutoModel, SentenceTransformer and protomtl.load read.

    In it: the encoder with its tokenizer, how it is pooled, the heads, the mean of each class of training rows,
    prototypes with prior and scale, temperatures and thresholds, so many training examples of each task, the resolved
    configuration with the figures on dev and test, and a model card (README.md).
    """
    source = results("finetune", method, seed)
    record: dict[str, Any] = read_record(source / "config.json")
    settle(Compute.model_validate(record["compute"]))
    model, tasks = trained_model(source, source / "encoder", record)
    record |= {
        "backbone": published(record["backbone"]),
        "max_length": read_record(TOKENS / "tokens.json")["max_length"],
        "data": data(tasks),
        "figures": {split: figures(method, seed, tasks, split) for split in HELD_OUT},
        "versions": read_record(source / "versions.json"),
    }
    shutil.copytree(source / "encoder", target, ignore=shutil.ignore_patterns(".*", *LEFT_OUT))
    shutil.copyfile(source / "heads.safetensors", target / "heads.safetensors")
    shutil.copyfile(results("evaluate", method, seed) / READOUT, target / READOUT)
    write_sentence_transformer(model, record["max_length"], target)
    with remembered(model.encoder):  # rows of one task are on its map, and strangers to the others
        prototypes = means(model, tasks, method, seed)
        save_file(prototypes, target / PROTOTYPES)
        save_file(plane(model, tasks, prototypes, seed), target / MAP)
        trusted = trust(model, tasks, prototypes, seed)
    write_json(target / CALIBRATION, trusted)
    if examples:
        write_examples(model, tasks, examples, seed, target)
    write_json(target / RECORD, sealed(target, record))
    for weights in target.rglob("*.safetensors"):  # only their owner could read them
        shutil.copymode(target / RECORD, weights)
    (target / CARD).write_text(card.text(record, trusted), encoding="utf-8")


def convert(folder: Path, form: str, seed: int) -> None:
    """Make a built export one of another format, with figures, temperatures and thresholds of its own."""
    if form == "torch":
        return
    record: dict[str, Any] = read_record(folder / RECORD)
    model, tasks = trained_model(folder, folder, record | {"compute": ANYWHERE})
    tokenizer, special = open_tokenizer(folder, record["max_length"])
    tokenizer.save(str(folder / "tokenizer.json"))  # what reads the folder without transformers reads this alone
    if form == "static":
        static.write(folder, model, tasks)
    else:
        onnx.write(folder, model, tasks, int8=form == "onnx-int8")
    record |= {"format": form, "pad": special["pad"]}
    network = opened(folder, record, 1)
    record["full_figures"], record["figures"] = record["figures"], copies.figures(network, tasks)
    trusted = copies.trusted(network, tasks, seed)
    write_json(folder / CALIBRATION, trusted)
    write_json(folder / RECORD, sealed(folder, record))
    for path in folder.rglob("*"):
        if path.is_file():
            shutil.copymode(folder / RECORD, path)
    (folder / CARD).write_text(card.text(record, trusted), encoding="utf-8")


def means(model: MultiTaskModel, tasks: dict[str, Task], method: str, seed: int) -> dict[str, Any]:
    """[classes, width] of each task: the prototypes by which `evaluate` predicts, and those of the tasks that they
    cannot predict, where a row stands for the first of its classes."""
    found: dict[str, Any] = load_file(results("evaluate", method, seed) / PROTOTYPES)
    others = {name: task for name, task in tasks.items() if name not in found}
    return found | {
        name: all_prototypes(*model.class_examples(name, task, seed), task.number_of_classes).cpu()
        for name, task in others.items()
    }


def plane(model: MultiTaskModel, tasks: dict[str, Task], prototypes: dict[str, Any], seed: int) -> dict[str, Any]:
    """Of each task some dev rows, then its prototypes: TASK.vectors [n, width], TASK.classes [n] and, by t-SNE of all
    of them together, TASK.places [n, 2]."""
    found = {}
    for name, task in tasks.items():
        vectors, classes = model.class_examples(name, task, seed, "dev", SHOWN)
        seen = (~prototypes[name][:, 0].isnan()).nonzero()[:, 0]
        found[f"{name}.vectors"] = torch.cat([vectors.cpu(), prototypes[name][seen]])
        found[f"{name}.classes"] = torch.cat([classes.cpu(), seen])
        places = projection.tsne(found[f"{name}.vectors"].numpy(), PERPLEXITY, number(seed, "map"))
        found[f"{name}.places"] = torch.from_numpy(places.astype(np.float32))
    return found


def figures(method: str, seed: int, tasks: dict[str, Task], split: str) -> dict[str, list[float | None]]:
    """Of each task, and overall: [the figure, both ends of its 95 % interval]; nothing without labels.

    [None] where the figure is not defined, [the figure] where it has no interval.
    """
    found = read_record(results("evaluate", method, seed) / "metrics.json")[split]
    predictions = read_predictions([Run(method, seed)], tasks, split)
    resampled = comparisons.resampled_figures(predictions, tasks, split)
    ends = {name: bootstrap.interval(values[:, 0, 0]) for name, values in resampled.items()}
    # of some main tasks alone there is no overall
    return {n: [found[n], *both[~np.isnan(both)].round(6).tolist()] for n, both in ends.items() if n in found}


def published(backbone: dict[str, Any]) -> dict[str, Any]:
    """The backbone of the record. A folder outside the project has its last part alone: who is given the model need
    not see where things lie on its maker's machine."""
    folder = Path(backbone["folder"])
    outside = folder.is_absolute() or folder.parts[:1] in (("..",), ("~",))
    return backbone | ({"folder": folder.name} if outside else {})


def data(tasks: dict[str, Task]) -> dict[str, Any]:
    """What the model was trained on: the source, and the training rows of each task."""
    report = read_record(results("prepare") / "report.json")
    return {"source": report["source"], "rows": {name: report["splits"][name]["train"]["rows"] for name in tasks}}
