"""The files of predictions: a table of every example, the course's submission, a confusion matrix."""

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from protomtl.tasks.labels import Names
from protomtl.tasks.settings import Task


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
    lines += [f"{i} , {p:{task.what.form}} \n" for i, p in zip(ids, predicted, strict=True)]
    path.write_text("".join(lines), encoding="utf-8")


def write_confusion(path: Path, gold: np.ndarray, predicted: np.ndarray, names: Names) -> None:
    """Rows: gold class; columns: predicted class; names: of the classes."""
    classes = len(names)
    matrix = np.bincount(gold * classes + predicted, minlength=classes**2).reshape(classes, classes)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["gold", *(f"predicted_{name}" for name in names)])
        writer.writerows([name, *row] for name, row in zip(names, matrix.tolist(), strict=True))
