"""Step `export`: a trained model as a folder that leaves the pipeline, results/export."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from protomtl import card, comparisons, projection, statistics
from protomtl.evaluate import labelled
from protomtl.files import atomic, read_json, write_json
from protomtl.model import MultiTaskModel, trained_model
from protomtl.paths import EVALUATE, EXPORT, FINETUNE, MAP, PROTOTYPES, RECORD, REPORT, TOKENS, run_folder
from protomtl.prototypes import class_prototypes, number_of_classes
from protomtl.random import number
from protomtl.schema import Export, Task

SHOWN, PERPLEXITY = 300, 30  # dev examples of each task on its map
LEFT_OUT = {"data_config.json"}  # of the default backbone's folder: what its authors trained on, not what we did
Figures = dict[str, dict[str, list[float]]]


def run(export: Export) -> None:
    """Write results/export of the run that `export` names."""
    write(export.method, export.seed, EXPORT)


def write(method: str, seed: int, target: Path) -> None:
    """Write a folder that AutoModel, SentenceTransformer and protomtl.load read; `target` is replaced.

    In it: the encoder with its tokenizer, how it is pooled, the heads, the mean of each class of training rows, the
    resolved configuration with the figures on dev and test, and a model card (README.md).
    """
    source = run_folder(FINETUNE, method, seed)
    for made in (source / "config.json", run_folder(EVALUATE, method, seed) / "metrics.json"):
        if not made.exists():
            raise SystemExit(
                f"{made.parent}: there is no such run; `snakemake --cores 4 all` makes those of params.yaml"
            )
    if target.exists() and not (target / RECORD).exists() and any(target.iterdir()):
        raise SystemExit(f"{target}: is there already and holds no export; choose an empty or a new folder")
    record: dict[str, Any] = read_json(source / "config.json")
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
        (part / "README.md").write_text(card.text(record), encoding="utf-8")
    print(f"export {method} seed {seed}: {target}")


def hidden(names: list[str]) -> set[str]:
    return {name for name in names if name.startswith(".")}


def means(model: MultiTaskModel, tasks: dict[str, Task], seed: int) -> dict[str, Any]:
    """[classes, width] of each task: the prototypes by which `evaluate` predicts, and those of rounded labels."""
    found: dict[str, Any] = {}
    for name, task in tasks.items():
        vectors, classes = labelled(model, name, task, seed)
        found[name] = torch.full((number_of_classes(task), vectors.shape[1]), torch.nan)
        found[name][torch.unique(classes).cpu()] = class_prototypes(vectors, classes)[0].cpu()
    return found


def plane(model: MultiTaskModel, tasks: dict[str, Task], prototypes: dict[str, Any], seed: int) -> dict[str, Any]:
    """Of each task some dev rows, then its prototypes: TASK.vectors [n, width], TASK.classes [n] and, by t-SNE of all
    of them together, TASK.places [n, 2]."""
    found = {}
    for name, task in tasks.items():
        vectors, classes = labelled(model, name, task, seed, "dev", SHOWN)
        seen = (~prototypes[name][:, 0].isnan()).nonzero()[:, 0]
        found[f"{name}.vectors"] = torch.cat([vectors.cpu(), prototypes[name][seen]])
        found[f"{name}.classes"] = torch.cat([classes.cpu(), seen])
        places = projection.tsne(found[f"{name}.vectors"].numpy(), PERPLEXITY, number(seed, "map"))
        found[f"{name}.places"] = torch.from_numpy(places.astype(np.float32))
    return found


def figures(method: str, seed: int, tasks: dict[str, Task], split: str) -> dict[str, list[float]]:
    """Of each task, and overall: [the figure, both ends of its 95 % interval]; nothing without labels."""
    found = read_json(run_folder(EVALUATE, method, seed) / "metrics.json")[split]
    resampled = comparisons.resampled_figures([method], [seed], tasks, split)
    return {
        name: [found[name], *statistics.interval(values[:, 0, 0]).round(6).tolist()]
        for name, values in resampled.items()
    }


def data(tasks: dict[str, Task]) -> dict[str, Any]:
    """What the model was trained on: the source, and the training rows of each task."""
    report = read_json(REPORT / "report.json")
    return {"source": report["source"], "rows": {name: report["splits"][name]["train"]["rows"] for name in tasks}}


def write_sentence_transformer(model: MultiTaskModel, max_length: int, folder: Path) -> None:
    """The files by which sentence-transformers encodes as we do: the encoder, then its pooling, not normalised."""
    width, pooling = model.encoder.width, model.encoder.pooling
    modules = [("", "Transformer"), ("1_Pooling", "Pooling")]
    write_json(folder / "sentence_bert_config.json", {"max_seq_length": max_length, "do_lower_case": False})
    pool = {"embedding_dimension": width, "pooling_mode": "mean" if pooling == "mean" else "cls"}
    (folder / "1_Pooling").mkdir(exist_ok=True)
    write_json(folder / "1_Pooling/config.json", pool)
    if pooling == "pooler":  # BERT's pooler is a dense layer on [CLS]
        dense = model.encoder.bert.pooler.dense
        (folder / "2_Dense").mkdir(exist_ok=True)
        shape = {"in_features": width, "out_features": width, "bias": True}
        activation = {"activation_function": "torch.nn.modules.activation.Tanh"}
        write_json(folder / "2_Dense/config.json", shape | activation)
        weights = {f"linear.{name}": value.detach().cpu().contiguous() for name, value in dense.named_parameters()}
        save_file(weights, folder / "2_Dense/model.safetensors")
        modules.append(("2_Dense", "Dense"))
    listed = [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for i, (path, kind) in enumerate(modules)
    ]
    write_json(folder / "modules.json", listed)
