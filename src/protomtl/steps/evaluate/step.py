"""Step `evaluate`: dev and test figures, predictions and confusion matrices of one method and seed."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow.parquet as pq
import torch
from safetensors.torch import save
from torch import Tensor

from protomtl.core import locks
from protomtl.core.files import atomic, read_record, write_json
from protomtl.core.markdown import in_a_line
from protomtl.core.paths import PREPARED, PROTOTYPES, READOUT, TOKENS, results
from protomtl.core.settings import HELD_OUT
from protomtl.metrics import main_figure, task_metrics
from protomtl.model import distributed, prototypes, readout
from protomtl.model.checkpoint import trained_model
from protomtl.model.encoder import settle
from protomtl.model.multitask import Embedder, MultiTaskModel
from protomtl.model.sequences import TokenTable
from protomtl.model.settings import Compute
from protomtl.steps.evaluate.figures import after_first_phase, flat
from protomtl.steps.evaluate.files import write_confusion, write_predictions, write_submission
from protomtl.tasks.settings import Task
from protomtl.tasks.tensors import class_indices


def run(method: str, seed: int) -> None:
    """Evaluate the model of the best dev epoch on dev and on test; write results/evaluate/METHOD/seedN.

    No parameters: the model is what its own record says.
    """
    locks.forget("finetune", method, seed)
    folder = results("finetune", method, seed)
    record = read_record(folder / "config.json")
    distributed.run(record["compute"]["processes"], evaluate, folder, record, method, seed)


def evaluate(folder: Path, record: dict[str, Any], method: str, seed: int) -> None:
    """`run`, as one of several processes: they share the encoding, and the main one does the rest."""
    settle(Compute.model_validate(record["compute"]))
    model, tasks = trained_model(folder, folder / "encoder", record)
    readable = readout.readable(tasks)
    examples = {name: model.labelled_rows(name, task, seed, whole=True) for name, task in readable.items()}
    tables = {(split, name): TokenTable.open(TOKENS, name, split) for split in HELD_OUT for name in tasks}
    model.share(tables.values())
    trained = None if model.frozen else model.trained_by(method, seed)
    vectors = {(split, name): model.stored(table, trained) for (split, name), table in tables.items()}
    if not distributed.is_main():
        return
    readouts = {
        name: fit_readout(model, task, examples[name], tables["dev", name], vectors["dev", name], record["distance"])
        for name, task in readable.items()
    }
    first = after_first_phase(results("pretrain", method, seed), readable)
    metrics: dict[str, dict[str, float]] = {}
    with atomic(results("evaluate", method, seed)) as part:
        for split in HELD_OUT:
            (part / split).mkdir(parents=True)
            found = {}
            for name, task in tasks.items():
                rows = Evaluated(tables[split, name], vectors[split, name], examples.get(name), readouts.get(name))
                found[name] = evaluate_task(model, task, rows, split, part / split)
            metrics[split] = flat(tasks, found, whole="others" not in record) | first[split]
        write_json(part / "metrics.json", metrics)
        readout.save(readouts, record["distance"], part / READOUT)
        (part / PROTOTYPES).write_bytes(save(means(tasks, examples)))
    for split, values in metrics.items():
        print(f"evaluate {method} seed {seed}: {split} {in_a_line(values)}")


def means(tasks: dict[str, Task], examples: dict[str, tuple[tuple[Tensor, ...], Tensor]]) -> dict[str, Tensor]:
    """[classes, width] of each readable task: the nearest is the prediction without a head. An export has them too."""
    return {
        name: prototypes.all_prototypes(torch.stack(parts).sum(0), classes, tasks[name].number_of_classes).cpu()
        for name, (parts, classes) in examples.items()
    }


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
    predicted = task.what.predictions(scores)
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
    beside = [how for how in ("nearest", "readout") if how in others]
    return metrics | {how: main_figure(task, table.labels, others[how]) for how in beside}
