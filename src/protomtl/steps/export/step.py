"""Step `export`: a trained model as a folder that leaves the pipeline, results/export."""

import argparse
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from protomtl.analysis import bootstrap, comparisons
from protomtl.analysis.predictions import read_predictions
from protomtl.backends.whole import sealed
from protomtl.core.files import atomic, read_json, remove, write_json
from protomtl.core.paths import (
    CALIBRATION,
    MAP,
    ONNX,
    PROTOTYPES,
    READOUT,
    RECORD,
    STATIC,
    STATIC_HEADS,
    TOKENS,
    results,
)
from protomtl.core.runs import Run
from protomtl.core.sections import argument
from protomtl.core.settings import Seed
from protomtl.core.users_files import BadPath, users_folder, users_home
from protomtl.model.checkpoint import trained_model
from protomtl.model.encoder import settle
from protomtl.model.multitask import MultiTaskModel
from protomtl.model.prototypes import all_prototypes
from protomtl.model.settings import Compute
from protomtl.plots import projection
from protomtl.seeds import number
from protomtl.steps.export import card, copies, onnx, static
from protomtl.steps.export.onnx import TORCH_ONLY
from protomtl.steps.export.sentence_transformers import write_sentence_transformer
from protomtl.steps.export.settings import Examples, Export
from protomtl.steps.export.trust import trust, write_examples
from protomtl.tasks.settings import Task
from protomtl.tokenizer import open_tokenizer

EXAMPLES = """
  protomtl export prototypical --to ~/models/prototypical
  protomtl export best --seed 2 --to model
  protomtl export best --format onnx-int8 --to small
without METHOD it is the stage of the pipeline, which writes results/export by torch"""
FORMATS = ("torch", "onnx", "onnx-int8", "static")
SHOWN, PERPLEXITY = 300, 30  # dev examples of each task on its map
LEFT_OUT = {"data_config.json"}  # of the default backbone's folder: what its authors trained on, not what we did
OURS = (  # what an older export may have and this one not: it must not be mixed with this one
    *("model*.safetensors", "model*.safetensors.index.json", "tokenizer*.json", "vocab.txt", "vocab.json"),
    *("merges.txt", "special_tokens_map.json", "added_tokens.json", "examples.json", "examples.safetensors"),
    *(*TORCH_ONLY, MAP, STATIC_HEADS, CALIBRATION, "config.json"),
)
FOLDERS = (ONNX, STATIC.parent, Path("1_Pooling"), Path("2_Dense"))
ANYWHERE = {"device": "cpu", "precision": "fp32", "threads": 1, "processes": 1}


def arguments(command: argparse.ArgumentParser) -> None:
    """What `protomtl export` takes beside being a step."""
    command.add_argument("method", nargs="?", help="a method that was run; without it the one in params.yaml")
    command.add_argument("--seed", type=argument(Seed), help="of the run (default: 1)")
    command.add_argument("--to", metavar="DIR", help="a new or empty folder, or an older export, which is replaced")
    add = "training rows of each task to keep in it, for `predict --why` (default: 0); their texts stand there for all"
    command.add_argument("--examples", type=argument(Examples), metavar="N", help=add)
    command.add_argument(
        "--format",
        choices=FORMATS,
        help="onnx and onnx-int8 are run by onnxruntime, static has a vector for each token: `protomtl.load` needs no "
        "torch for these (default: torch)",
    )
    command.add_argument(
        "--force", action="store_true", help="add it to any folder; what has the same names is replaced"
    )
    command.formatter_class = argparse.RawDescriptionHelpFormatter
    command.epilog = f"examples:{EXAMPLES}"


def command(args: argparse.Namespace) -> bool:
    """Export the method that the arguments name; False without one, for then it is the step. SystemExit for half."""
    if args.method and not args.to:
        raise SystemExit("protomtl export METHOD needs --to DIR")
    alone = (args.to, args.format, args.seed, args.examples)
    if (args.force or any(given is not None for given in alone)) and not args.method:
        raise SystemExit("protomtl export --to, --seed, --examples, --format or --force needs a METHOD before it")
    if args.examples and args.format == "static":
        raise SystemExit("protomtl export --examples: an export of format static keeps none; leave it, or the format")
    if args.method:
        try:
            seed = 1 if args.seed is None else args.seed
            write(args.method, seed, Path(args.to), args.force, args.examples or 0, args.format or "torch")
        except BadPath as error:
            print(f"protomtl export: {error}", file=sys.stderr)
            sys.exit(2)
    return bool(args.method)


def run(export: Export) -> None:
    """Write results/export of the run that `export` names."""
    check_run(export.method, export.seed)
    with atomic(results("export")) as part:
        build(export.method, export.seed, part, export.examples)


def write(method: str, seed: int, target: Path, force: bool = False, examples: int = 0, form: str = "torch") -> None:
    """Export to a folder of the user's. In an older export all files that an export has are replaced, others stay.

    form: one of FORMATS. Raises BadPath, before the work, for what is no new or empty folder and no export; with
    `force` any folder will do.
    """
    check_run(method, seed)
    users_home(target, RECORD, force)
    older = (target / RECORD).exists()
    with users_folder(target, RECORD, OURS, force) as part:
        build(method, seed, part, examples)
        convert(part, form)
        made = {path.name for path in part.iterdir()}
    for folder in FOLDERS if older else ():  # of an older export of another format
        if folder.name not in made:
            remove(target / folder)
    print(f"export {method} seed {seed}: {target}")


def check_run(method: str, seed: int) -> None:
    """SystemExit if the run has not been made."""
    for made in (results("finetune", method, seed) / "config.json", results("evaluate", method, seed) / "metrics.json"):
        if not made.exists():
            raise SystemExit(
                f"{made.parent}: there is no such run; `snakemake --cores 4 all` makes those of params.yaml"
            )


def build(method: str, seed: int, target: Path, examples: int = 0) -> None:
    """Make a folder that AutoModel, SentenceTransformer and protomtl.load read.

    In it: the encoder with its tokenizer, how it is pooled, the heads, the mean of each class of training rows,
    prototypes with prior and scale, temperatures and thresholds, so many training examples of each task, the resolved
    configuration with the figures on dev and test, and a model card (README.md).
    """
    source = results("finetune", method, seed)
    record: dict[str, Any] = read_json(source / "config.json")
    settle(Compute.model_validate(record["compute"]))
    model, tasks = trained_model(source, source / "encoder", record)
    record |= {
        "max_length": read_json(TOKENS / "tokens.json")["max_length"],
        "data": data(tasks),
        "figures": {split: figures(method, seed, tasks, split) for split in ("dev", "test")},
        "versions": read_json(source / "versions.json"),
    }
    shutil.copytree(source / "encoder", target, ignore=lambda _, names: LEFT_OUT & {*names} | hidden(names))
    shutil.copyfile(source / "heads.safetensors", target / "heads.safetensors")
    shutil.copyfile(results("evaluate", method, seed) / READOUT, target / READOUT)
    prototypes = means(model, tasks, seed)
    save_file(prototypes, target / PROTOTYPES)
    save_file(plane(model, tasks, prototypes, seed), target / MAP)
    write_sentence_transformer(model, record["max_length"], target)
    trusted = trust(model, tasks, prototypes, seed)
    write_json(target / CALIBRATION, trusted)
    if examples:
        write_examples(model, tasks, examples, seed, target)
    write_json(target / RECORD, sealed(target, record))
    for weights in target.rglob("*.safetensors"):  # only their owner could read them
        shutil.copymode(target / RECORD, weights)
    (target / "README.md").write_text(card.text(record, trusted), encoding="utf-8")


def convert(folder: Path, form: str) -> None:
    """Make a built export one of another format; its record says which, and its figures are measured anew."""
    if form == "torch":
        return
    record: dict[str, Any] = read_json(folder / RECORD)
    model, tasks = trained_model(folder, folder, record | {"compute": ANYWHERE})
    tokenizer, special = open_tokenizer(folder, record["max_length"])
    tokenizer.save(str(folder / "tokenizer.json"))  # what reads the folder without transformers reads this alone
    if form == "static":
        static.write(folder, model, tasks)
    else:
        onnx.write(folder, model, tasks, int8=form == "onnx-int8")
    record |= {"format": form, "pad": special["pad"]}
    record["full_figures"], record["figures"] = record["figures"], copies.figures(folder, record, tasks)
    write_json(folder / RECORD, sealed(folder, record))
    for path in folder.rglob("*"):
        if path.is_file():
            shutil.copymode(folder / RECORD, path)
    trusted = read_json(folder / CALIBRATION) if (folder / CALIBRATION).exists() else {}
    (folder / "README.md").write_text(card.text(record, trusted), encoding="utf-8")


def hidden(names: list[str]) -> set[str]:
    return {name for name in names if name.startswith(".")}


def means(model: MultiTaskModel, tasks: dict[str, Task], seed: int) -> dict[str, Any]:
    """[classes, width] of each task: the prototypes by which `evaluate` predicts, and those of rounded labels."""
    return {
        name: all_prototypes(*model.class_examples(name, task, seed), task.number_of_classes).cpu()
        for name, task in tasks.items()
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
    found = read_json(results("evaluate", method, seed) / "metrics.json")[split]
    predictions = read_predictions([Run(method, seed)], tasks, split)
    resampled = comparisons.resampled_figures(predictions, tasks, split)
    ends = {name: bootstrap.interval(values[:, 0, 0]) for name, values in resampled.items()}
    # of some main tasks alone there is no overall
    return {n: [found[n], *both[~np.isnan(both)].round(6).tolist()] for n, both in ends.items() if n in found}


def data(tasks: dict[str, Task]) -> dict[str, Any]:
    """What the model was trained on: the source, and the training rows of each task."""
    report = read_json(results("prepare") / "report.json")
    return {"source": report["source"], "rows": {name: report["splits"][name]["train"]["rows"] for name in tasks}}
