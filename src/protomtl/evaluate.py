"""Step `evaluate`: dev and test figures, predictions and confusion matrices of one method and seed."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import torch
from torch import Tensor

from protomtl import distributed, state
from protomtl.files import atomic, read_json, write_json
from protomtl.metrics import main_metric, overall, predictions, task_metrics
from protomtl.model import Embedder, MultiTaskModel, trained_model
from protomtl.paths import EVALUATE, FINETUNE, PREPARED, TOKENS, run_folder
from protomtl.prototypes import class_numbers, nearest_class, nearness
from protomtl.random import some_rows
from protomtl.schema import Task
from protomtl.tokens import TokenTable

EXAMPLES = 1000  # training rows behind the prototypes: more hardly move the means, but would all be encoded
# Header of the CS224N default project's submission files, by kind of task.
SUBMISSION = {
    "classification": "Predicted_Sentiment",
    "binary": "Predicted_Is_Paraphrase",
    "regression": "Predicted_Similiary",  # spelled as the course does
}


def run(method: str, seed: int) -> None:
    """Evaluate the model of the best dev epoch on dev and on test; write results/evaluate/METHOD/seedN.

    No parameters: the model is what its own record says.
    """
    state.forget("finetune", method, seed)
    folder = run_folder(FINETUNE, method, seed)
    record = read_json(folder / "config.json")
    distributed.run(record["compute"]["processes"], evaluate, folder, record, method, seed)


def evaluate(folder: Path, record: dict[str, Any], method: str, seed: int) -> None:
    """`run`, as one of several processes: they share the encoding, and the main one does the rest."""
    model, tasks = trained_model(folder, folder / "encoder", record)
    examples = {name: labelled(model, name, task, seed) for name, task in tasks.items() if task.kind != "regression"}
    tables = {(split, name): TokenTable.open(TOKENS, name, split) for split in ("dev", "test") for name in tasks}
    vectors = {key: model.stored(table) for key, table in tables.items()}
    if not distributed.is_main():
        return
    metrics: dict[str, dict[str, float]] = {}
    with atomic(run_folder(EVALUATE, method, seed)) as part:
        for split in ("dev", "test"):
            (part / split).mkdir(parents=True)
            found = {}
            for name, task in tasks.items():
                table, embed = tables[split, name], vectors[split, name]
                found[name] = evaluate_task(model, table, embed, task, split, part / split, examples.get(name))
            metrics[split] = flat(found)
        write_json(part / "metrics.json", metrics)
    for split, values in metrics.items():
        print(f"evaluate {method} seed {seed}: {split} " + ", ".join(f"{k} {v:.3f}" for k, v in values.items()))


def labelled(
    model: MultiTaskModel, name: str, task: Task, seed: int, split: str = "train", most: int = EXAMPLES
) -> tuple[Tensor, Tensor]:
    """Embeddings [n, width], of two texts their sum (A.2), and classes [n] of at most this many random rows."""
    table = TokenTable.open(TOKENS, name, split)
    rows = some_rows(len(table), most, seed, "prototypes", name)
    vectors = torch.stack(model.embed(table, rows)).sum(0)
    return vectors, class_numbers(task, torch.from_numpy(table.labels[rows])).to(vectors.device)


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
        nearest = nearest_class(vectors, *examples).cpu().numpy()
        near = nearness(vectors, *examples, scores.shape[1]).cpu().numpy()
    write_predictions(folder / f"{name}.csv", task, ids, table.labels, predicted, scores, nearest, near)
    if np.isnan(table.labels).any():
        write_submission(folder / f"{name}-{split}-output.csv", task, ids, predicted)
        return {}
    metrics = task_metrics(task, table.labels, predicted)
    if nearest is not None:
        write_confusion(folder / f"{name}-confusion.csv", table.labels.astype(int), predicted, task.classes or 2)
        metrics["nearest"] = task_metrics(task, table.labels, nearest)["accuracy"]
    return metrics


def flat(found: dict[str, dict[str, float]]) -> dict[str, float]:
    """One figure a task under its name, `overall`, and the others as task_metric; nothing for unlabelled tasks."""
    labelled = {name: values for name, values in found.items() if values}
    main = {name: round(main_metric(values), 6) for name, values in labelled.items()}
    others = {f"{n}_{k}": round(v[k], 6) for n, v in labelled.items() for k in ("spearman", "nearest") if k in v}
    whole = {"overall": round(overall(main), 6)} if main and len(main) == len(found) else {}
    return whole | main | others


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
    """id, gold (empty without labels), prediction; and what regression has not: a score for each class, the class of
    the nearest prototype, and a score for each by the distances."""
    classes = 0 if task.kind == "regression" else scores.shape[1]
    table = pd.DataFrame({"id": ids, "gold": [None if np.isnan(label) else f"{label:g}" for label in gold]})
    table["prediction"] = [f"{value:.6g}" for value in predicted]
    table[[f"score_{k}" for k in range(classes)]] = scores[:, :classes]
    if nearest is not None:
        table["nearest"] = nearest
    table[[f"nearest_{k}" for k in range(near.shape[1])]] = near
    table.to_csv(path, index=False, lineterminator="\n", float_format="%.6f")


def write_submission(path: Path, task: Task, ids: list[str], predicted: np.ndarray) -> None:
    """The CS224N submission format: `id \\t NAME`, then `ID , PREDICTION` a line."""
    lines = [f"id \t {SUBMISSION[task.kind]} \n"]
    lines += [f"{i} , {p:.6g} \n" for i, p in zip(ids, predicted, strict=True)]
    path.write_text("".join(lines), encoding="utf-8")


def write_confusion(path: Path, gold: np.ndarray, predicted: np.ndarray, classes: int) -> None:
    """Rows: gold class; columns: predicted class."""
    matrix = np.bincount(gold * classes + predicted, minlength=classes**2).reshape(classes, classes)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["gold", *(f"predicted_{k}" for k in range(classes))])
        writer.writerows([k, *row] for k, row in enumerate(matrix.tolist()))
