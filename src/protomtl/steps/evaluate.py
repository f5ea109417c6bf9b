"""Step `evaluate`: dev and test figures, predictions and confusion matrices of one method and seed."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import torch
from torch import Tensor

from protomtl.core import locks
from protomtl.core.files import atomic, read_json, write_json
from protomtl.core.markdown import number
from protomtl.core.paths import PREPARED, READOUT, TOKENS, results
from protomtl.metrics import main_metric, overall, task_metrics
from protomtl.model import distributed, prototypes, readout
from protomtl.model.checkpoint import starting_encoder, trained_distance, trained_model
from protomtl.model.encoder import Encoder, embed_table, settle
from protomtl.model.heads import class_vectors
from protomtl.model.multitask import EXAMPLES, Embedder, MultiTaskModel, in_blocks
from protomtl.model.sequences import TokenTable
from protomtl.model.settings import Compute
from protomtl.seeds import some_rows
from protomtl.tasks.labels import Names
from protomtl.tasks.settings import Task, predictions
from protomtl.tasks.tensors import class_indices


def run(method: str, seed: int) -> None:
    """Evaluate the model of the best dev epoch on dev and on test; write results/evaluate/METHOD/seedN.

    No parameters: the model is what its own record says.
    """
    locks.forget("finetune", method, seed)
    folder = results("finetune", method, seed)
    record = read_json(folder / "config.json")
    distributed.run(record["compute"]["processes"], evaluate, folder, record, method, seed)


def evaluate(folder: Path, record: dict[str, Any], method: str, seed: int) -> None:
    """`run`, as one of several processes: they share the encoding, and the main one does the rest."""
    settle(Compute.model_validate(record["compute"]))
    model, tasks = trained_model(folder, folder / "encoder", record)
    readable = readout.readable(tasks)
    examples = {name: model.labelled_rows(name, task, seed, whole=True) for name, task in readable.items()}
    tables = {(split, name): TokenTable.open(TOKENS, name, split) for split in ("dev", "test") for name in tasks}
    trained = None if model.frozen else model.trained_by(method, seed)
    vectors = {(split, name): model.stored(table, trained) for (split, name), table in tables.items()}
    first = after_first_phase(results("pretrain", method, seed), record, readable, seed)
    if not distributed.is_main():
        return
    readouts = {
        name: fit_readout(model, task, examples[name], tables["dev", name], vectors["dev", name], record["distance"])
        for name, task in readable.items()
    }
    metrics: dict[str, dict[str, float]] = {}
    with atomic(results("evaluate", method, seed)) as part:
        for split in ("dev", "test"):
            (part / split).mkdir(parents=True)
            found = {}
            for name, task in tasks.items():
                rows = Evaluated(tables[split, name], vectors[split, name], examples.get(name), readouts.get(name))
                found[name] = evaluate_task(model, task, rows, split, part / split)
            metrics[split] = flat(tasks, found, whole="others" not in record) | first[split]
        write_json(part / "metrics.json", metrics)
        readout.save(readouts, record["distance"], part / READOUT)
    for split, values in metrics.items():
        print(f"evaluate {method} seed {seed}: {split} " + ", ".join(f"{k} {number(v)}" for k, v in values.items()))


def after_first_phase(
    folder: Path, record: dict[str, Any], tasks: Mapping[str, Task], seed: int
) -> dict[str, dict[str, float]]:
    """Split -> figures of prototypes straight after phase 1, before any head: `TASK_first` with prior and scale, and of
    classes `TASK_first_nearest` without (report §4.3). Of the vectors and the distance that phase 1 trained.

    folder: of phase 1; empty without one, and without labels.
    """
    found: dict[str, dict[str, float]] = {"dev": {}, "test": {}}
    if not (folder / "config.json").exists():
        return found
    how, distance = read_json(folder / "config.json")["pretrain"]["pair_encoding"], trained_distance(folder)
    encoder = Encoder(
        starting_encoder(folder), record["backbone"]["pooling"], Compute.model_validate(record["compute"])
    )

    def rows(name: str, split: str, most: int | None = None) -> tuple[Tensor, np.ndarray]:
        table = TokenTable.open(TOKENS, name, split)
        some = some_rows(len(table), most or len(table), seed, "prototypes", name)
        parts = (embed_table(encoder, table, how == "concat", some[block]) for block in in_blocks(len(some)))
        return torch.cat([class_vectors(part, how == "relation") for part in parts]), np.asarray(table.labels)[some]

    def classes(task: Task, labels: np.ndarray, like: Tensor) -> Tensor:
        return class_indices(task, torch.from_numpy(labels)).to(like.device)

    for name, task in tasks.items():
        vectors, labels = rows(name, "train", EXAMPLES)
        own = {split: rows(name, split) for split in found}
        train, dev = (vectors, classes(task, labels, vectors)), (own["dev"][0], classes(task, own["dev"][1], vectors))
        fitted = readout.fit(*train, task.number_of_classes, *dev, distance)
        for split, (queries, gold) in own.items():
            if np.isnan(gold).any():
                continue
            said = {"first": readout.predictions(task, fitted.probabilities(queries))}
            if task.what.one_class:
                said["first_nearest"] = fitted.nearest(queries).cpu().numpy()
            for which, predicted in said.items():
                figure = main_metric(task, task_metrics(task, gold, predicted))
                found[split][f"{name}_{which}"] = round(figure, 6)
    return found


class Evaluated(NamedTuple):
    """The rows of a split of a task, and what predicts them beside the head."""

    table: TokenTable
    embed: Embedder
    examples: tuple[tuple[Tensor, ...], Tensor] | None  # embeddings of training rows, of each sequence group; classes
    readout: readout.Readout | None


def fit_readout(
    model: MultiTaskModel,
    task: Task,
    examples: tuple[tuple[Tensor, ...], Tensor],
    dev: TokenTable,
    embed: Embedder,
    distance: str,
) -> readout.Readout:
    """Prototypes of the examples with prior, and with the scale that is likeliest on dev."""
    parts, classes = examples
    train_vectors = model.readout_vectors(dev.task, parts)
    dev_vectors = model.readout_vectors(dev.task, embed(np.arange(len(dev))))
    dev_classes = class_indices(task, torch.from_numpy(np.array(dev.labels))).to(classes.device)
    return readout.fit(train_vectors, classes, task.number_of_classes, dev_vectors, dev_classes, distance)


def evaluate_task(model: MultiTaskModel, task: Task, rows: Evaluated, split: str, folder: Path) -> dict[str, float]:
    """Write predictions (and a confusion matrix, or without labels a submission); returns the metrics.

    Predictions are the head's. Beside them stand those of the prototypes with prior and scale, `readout`, and for
    classes those of the nearest prototype, `nearest`.
    """
    table = rows.table
    name, every = table.task, rows.embed(np.arange(len(table)))
    ids = pq.read_table(PREPARED / name / f"{split}.parquet", columns=["id"]).column("id").to_pylist()
    scores = model.scores(name, task, rows.embed, len(table))
    predicted = predictions(task, scores)
    others: dict[str, np.ndarray] = {}
    if rows.readout is not None:
        likely = rows.readout.probabilities(model.readout_vectors(name, every))
        others["readout"] = readout.predictions(task, likely)
    if rows.examples is not None and task.what.one_class:
        parts, classes = rows.examples
        plain = torch.stack(every).sum(0), torch.stack(parts).sum(0), classes
        others["nearest"] = prototypes.predict(*plain).cpu().numpy()
        near = prototypes.predict_proba(*plain, scores.shape[1]).cpu().numpy()
        others |= {f"nearest_{k}": near[:, k] for k in range(near.shape[1])}
    write_predictions(folder / f"{name}.csv", task, ids, table.labels, predicted, scores, others)
    if np.isnan(table.labels).any():
        write_submission(folder / f"{name}-{split}-output.csv", task, ids, predicted)
        return {}
    metrics = task_metrics(task, table.labels, predicted)
    if task.what.one_class:
        write_confusion(folder / f"{name}-confusion.csv", table.labels.astype(int), predicted, task.class_names)
    return metrics | {
        how: main_metric(task, task_metrics(task, table.labels, others[how]))
        for how in ("nearest", "readout")
        if how in others
    }


def flat(tasks: dict[str, Task], found: dict[str, dict[str, float]], whole: bool = True) -> dict[str, float]:
    """One figure a task under its name, `overall` as it is and rescaled, and the others as task_metric; nothing for
    unlabelled tasks. whole: these are all main tasks; some alone have no overall."""
    labelled = {name: values for name, values in found.items() if values}
    main = {name: round(main_metric(tasks[name], values), 6) for name, values in labelled.items()}
    others = {
        f"{name}_{figure}": round(value, 6)
        for name, values in labelled.items()
        for figure, value in values.items()
        if figure != tasks[name].main_metric
    }
    if not main or len(main) < len(found) or not whole:
        return main | others
    means = {"overall": overall(tasks, main), "overall_rescaled": overall(tasks, main, rescaled=True)}
    return {name: round(value, 6) for name, value in means.items()} | main | others


def write_predictions(
    path: Path,
    task: Task,
    ids: list[str],
    gold: np.ndarray,
    predicted: np.ndarray,
    scores: np.ndarray,
    others: Mapping[str, np.ndarray],
) -> None:
    """id, gold (empty without labels), prediction, a score for each class there is, and the columns `others`:
    predictions by prototypes."""
    classes = scores.shape[1] if task.what.has_classes else 0
    table = pd.DataFrame(
        {"id": ids, "gold": [None if np.isnan(label) else f"{label:{task.what.form}}" for label in gold]}
    )
    table["prediction"] = [f"{value:{task.what.form}}" for value in predicted]
    table[[f"score_{k}" for k in range(classes)]] = scores[:, :classes]
    table = table.assign(**others)
    table.to_csv(path, index=False, lineterminator="\n", float_format="%.6f")


def write_submission(path: Path, task: Task, ids: list[str], predicted: np.ndarray) -> None:
    """The CS224N submission format: `id \\t NAME`, then `ID , PREDICTION` a line."""
    lines = [f"id \t {task.what.submission} \n"]
    lines += [f"{i} , {p:.6g} \n" for i, p in zip(ids, predicted, strict=True)]
    path.write_text("".join(lines), encoding="utf-8")


def write_confusion(path: Path, gold: np.ndarray, predicted: np.ndarray, names: Names) -> None:
    """Rows: gold class; columns: predicted class; names: of the classes."""
    classes = len(names)
    matrix = np.bincount(gold * classes + predicted, minlength=classes**2).reshape(classes, classes)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["gold", *(f"predicted_{name}" for name in names)])
        writer.writerows([name, *row] for name, row in zip(names, matrix.tolist(), strict=True))
