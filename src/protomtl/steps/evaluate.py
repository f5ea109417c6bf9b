"""Step `evaluate`: dev and test figures, predictions and confusion matrices of one method and seed."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import torch
from torch import Tensor

from protomtl.core import files
from protomtl.core.files import atomic, read_json, write_json
from protomtl.core.markdown import number
from protomtl.core.paths import PREPARED, TOKENS, results
from protomtl.metrics import main_metric, overall, task_metrics
from protomtl.model import distributed, prototypes
from protomtl.model.checkpoint import trained_model
from protomtl.model.encoder import settle
from protomtl.model.multitask import Embedder, MultiTaskModel
from protomtl.model.sequences import TokenTable
from protomtl.model.settings import Compute
from protomtl.tasks.labels import Names
from protomtl.tasks.settings import Task, predictions


def run(method: str, seed: int) -> None:
    """Evaluate the model of the best dev epoch on dev and on test; write results/evaluate/METHOD/seedN.

    No parameters: the model is what its own record says.
    """
    files.forget("finetune", method, seed)
    folder = results("finetune", method, seed)
    record = read_json(folder / "config.json")
    distributed.run(record["compute"]["processes"], evaluate, folder, record, method, seed)


def evaluate(folder: Path, record: dict[str, Any], method: str, seed: int) -> None:
    """`run`, as one of several processes: they share the encoding, and the main one does the rest."""
    settle(Compute.model_validate(record["compute"]))
    model, tasks = trained_model(folder, folder / "encoder", record)
    examples = {name: model.class_examples(name, task, seed) for name, task in tasks.items() if task.what.one_class}
    tables = {(split, name): TokenTable.open(TOKENS, name, split) for split in ("dev", "test") for name in tasks}
    vectors = {key: model.stored(table) for key, table in tables.items()}
    if not distributed.is_main():
        return
    metrics: dict[str, dict[str, float]] = {}
    with atomic(results("evaluate", method, seed)) as part:
        for split in ("dev", "test"):
            (part / split).mkdir(parents=True)
            found = {}
            for name, task in tasks.items():
                table, embed = tables[split, name], vectors[split, name]
                found[name] = evaluate_task(model, table, embed, task, split, part / split, examples.get(name))
            metrics[split] = flat(tasks, found)
        write_json(part / "metrics.json", metrics)
    for split, values in metrics.items():
        print(f"evaluate {method} seed {seed}: {split} " + ", ".join(f"{k} {number(v)}" for k, v in values.items()))


def evaluate_task(
    model: MultiTaskModel,
    table: TokenTable,
    embed: Embedder,
    task: Task,
    split: str,
    folder: Path,
    examples: tuple[Tensor, Tensor] | None,
) -> dict[str, float]:
    """Write predictions (and a confusion matrix, or without labels a submission); returns the metrics.

    Classes are predicted by the head and, as `nearest`, by the nearest prototype of `examples`.
    """
    name = table.task
    ids = pq.read_table(PREPARED / name / f"{split}.parquet", columns=["id"]).column("id").to_pylist()
    scores = model.scores(name, task, embed, len(table))
    predicted, nearest = predictions(task, scores), None
    near = np.empty((len(table), 0))
    if examples:
        vectors = torch.stack(embed(np.arange(len(table)))).sum(0)
        nearest = prototypes.predict(vectors, *examples).cpu().numpy()
        near = prototypes.predict_proba(vectors, *examples, scores.shape[1]).cpu().numpy()
    write_predictions(folder / f"{name}.csv", task, ids, table.labels, predicted, scores, nearest, near)
    if np.isnan(table.labels).any():
        write_submission(folder / f"{name}-{split}-output.csv", task, ids, predicted)
        return {}
    metrics = task_metrics(task, table.labels, predicted)
    if nearest is not None:
        write_confusion(folder / f"{name}-confusion.csv", table.labels.astype(int), predicted, task.class_names)
        metrics["nearest"] = main_metric(task, task_metrics(task, table.labels, nearest))
    return metrics


def flat(tasks: dict[str, Task], found: dict[str, dict[str, float]]) -> dict[str, float]:
    """One figure a task under its name, `overall` as it is and rescaled, and the others as task_metric; nothing for
    unlabelled tasks."""
    labelled = {name: values for name, values in found.items() if values}
    main = {name: round(main_metric(tasks[name], values), 6) for name, values in labelled.items()}
    others = {
        f"{name}_{figure}": round(value, 6)
        for name, values in labelled.items()
        for figure, value in values.items()
        if figure != tasks[name].main_metric
    }
    if not main or len(main) < len(found):
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
    nearest: np.ndarray | None,
    near: np.ndarray,
) -> None:
    """id, gold (empty without labels), prediction; a score for each class there is; and where a row has one class that
    of the nearest prototype, and a score for each by the distances."""
    classes = scores.shape[1] if task.what.has_classes else 0
    table = pd.DataFrame(
        {"id": ids, "gold": [None if np.isnan(label) else f"{label:{task.what.form}}" for label in gold]}
    )
    table["prediction"] = [f"{value:{task.what.form}}" for value in predicted]
    table[[f"score_{k}" for k in range(classes)]] = scores[:, :classes]
    if nearest is not None:
        table["nearest"] = nearest
    table[[f"nearest_{k}" for k in range(near.shape[1])]] = near
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
