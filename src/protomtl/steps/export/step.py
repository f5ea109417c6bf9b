"""Step `export`: a trained model as a folder that leaves the pipeline, results/export."""

import argparse
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from protomtl.analysis import bootstrap, comparisons
from protomtl.analysis.predictions import read_predictions
from protomtl.core.files import atomic, read_json, write_json
from protomtl.core.paths import MAP, PROTOTYPES, RECORD, TOKENS, results
from protomtl.core.runs import Run
from protomtl.model.checkpoint import trained_model
from protomtl.model.encoder import settle
from protomtl.model.multitask import MultiTaskModel
from protomtl.model.prototypes import class_prototypes
from protomtl.model.settings import Compute
from protomtl.plots import projection
from protomtl.seeds import number
from protomtl.steps.export import card
from protomtl.steps.export.sentence_transformers import write_sentence_transformer
from protomtl.steps.export.settings import Export
from protomtl.tasks.settings import Task

EXAMPLES = """
  protomtl export prototypical --to ~/models/prototypical
  protomtl export best --seed 2 --to model"""
SHOWN, PERPLEXITY = 300, 30  # dev examples of each task on its map
LEFT_OUT = {"data_config.json"}  # of the default backbone's folder: what its authors trained on, not what we did
Figures = dict[str, dict[str, list[float]]]


def arguments(command: argparse.ArgumentParser) -> None:
    """What `protomtl export` takes beside being a step."""
    command.add_argument("method", nargs="?", help="a method that was run; without it the one in params.yaml")
    command.add_argument("--seed", type=int, default=1, help="of the run (default: 1)")
    command.add_argument("--to", metavar="DIR", help="a new or empty folder, or an older export, which is replaced")
    command.formatter_class = argparse.RawDescriptionHelpFormatter
    command.epilog = f"examples:{EXAMPLES}"


def command(args: argparse.Namespace) -> bool:
    """Export the method that the arguments name; False without one, for then it is the step. SystemExit for half."""
    if args.method and not args.to:
        raise SystemExit("protomtl export METHOD needs --to DIR")
    if args.to and not args.method:
        raise SystemExit("protomtl export --to DIR needs a METHOD before it")
    if args.method:
        write(args.method, args.seed, Path(args.to))
    return bool(args.method)


def run(export: Export) -> None:
    """Write results/export of the run that `export` names."""
    write(export.method, export.seed, results("export"))


def write(method: str, seed: int, target: Path) -> None:
    """Write a folder that AutoModel, SentenceTransformer and protomtl.load read; `target` is replaced.

    In it: the encoder with its tokenizer, how it is pooled, the heads, the mean of each class of training rows, the
    resolved configuration with the figures on dev and test, and a model card (README.md).
    """
    source = results("finetune", method, seed)
    for made in (source / "config.json", results("evaluate", method, seed) / "metrics.json"):
        if not made.exists():
            raise SystemExit(
                f"{made.parent}: there is no such run; `snakemake --cores 4 all` makes those of params.yaml"
            )
    if target.exists() and not (target / RECORD).exists() and any(target.iterdir()):
        raise SystemExit(f"{target}: is there already and holds no export; choose an empty or a new folder")
    record: dict[str, Any] = read_json(source / "config.json")
    settle(Compute.model_validate(record["compute"]))
    model, tasks = trained_model(source, source / "encoder", record)
    record |= {
        "max_length": read_json(TOKENS / "tokens.json")["max_length"],
        "data": data(tasks),
        "figures": {split: figures(method, seed, tasks, split) for split in ("dev", "test")},
        "versions": read_json(source / "versions.json"),
    }
    with atomic(target) as part:
        shutil.copytree(source / "encoder", part, ignore=lambda _, names: LEFT_OUT & {*names} | hidden(names))
        shutil.copyfile(source / "heads.safetensors", part / "heads.safetensors")
        prototypes = means(model, tasks, seed)
        save_file(prototypes, part / PROTOTYPES)
        save_file(plane(model, tasks, prototypes, seed), part / MAP)
        write_sentence_transformer(model, record["max_length"], part)
        write_json(part / RECORD, record)
        for weights in part.rglob("*.safetensors"):  # only their owner could read them
            shutil.copymode(part / RECORD, weights)
        (part / "README.md").write_text(card.text(record), encoding="utf-8")
    print(f"export {method} seed {seed}: {target}")


def hidden(names: list[str]) -> set[str]:
    return {name for name in names if name.startswith(".")}


def means(model: MultiTaskModel, tasks: dict[str, Task], seed: int) -> dict[str, Any]:
    """[classes, width] of each task: the prototypes by which `evaluate` predicts, and those of rounded labels."""
    found: dict[str, Any] = {}
    for name, task in tasks.items():
        vectors, classes = model.class_examples(name, task, seed)
        found[name] = torch.full((task.number_of_classes, vectors.shape[1]), torch.nan)
        found[name][torch.unique(classes).cpu()] = class_prototypes(vectors, classes)[0].cpu()
    return found


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


def figures(method: str, seed: int, tasks: dict[str, Task], split: str) -> dict[str, list[float]]:
    """Of each task, and overall: [the figure, both ends of its 95 % interval]; nothing without labels."""
    found = read_json(results("evaluate", method, seed) / "metrics.json")[split]
    predictions = read_predictions([Run(method, seed)], tasks, split)
    resampled = comparisons.resampled_figures(predictions, tasks, split)
    return {
        name: [found[name], *bootstrap.interval(values[:, 0, 0]).round(6).tolist()]
        for name, values in resampled.items()
    }


def data(tasks: dict[str, Task]) -> dict[str, Any]:
    """What the model was trained on: the source, and the training rows of each task."""
    report = read_json(results("prepare") / "report.json")
    return {"source": report["source"], "rows": {name: report["splits"][name]["train"]["rows"] for name in tasks}}
