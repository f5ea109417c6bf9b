"""Step `finetune`: phase 2 of a method, results/finetune/METHOD/seedN."""

import math
import shutil
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from protomtl.core import locks
from protomtl.core.files import atomic, digest_folder, write_csv
from protomtl.core.markdown import number
from protomtl.core.paths import TOKENS, results
from protomtl.core.settings import Backbone
from protomtl.metrics import main_metric, overall, task_metrics
from protomtl.model import distributed
from protomtl.model.checkpoint import save_encoder, save_heads, save_record, starting_encoder, trained_distance
from protomtl.model.device import put
from protomtl.model.encoder import Encoder, embed_batch, settle
from protomtl.model.heads import attribute
from protomtl.model.multitask import MultiTaskModel
from protomtl.model.sequences import TokenTable
from protomtl.model.settings import Compute
from protomtl.tasks.settings import Task, main_tasks, predictions
from protomtl.tasks.tensors import class_indices, task_loss
from protomtl.training import balance, loop, resume, timing, tracking
from protomtl.training.curves import Curves
from protomtl.training.joint import Joint, joint_prototypes
from protomtl.training.sampling import Batches, steps_per_epoch
from protomtl.training.settings import Finetune
from protomtl.training.smoothness import divergences
from protomtl.training.weighting import Uncertainty, fixed

Seen = dict[str, list[tuple[Tensor, ...]]]  # vectors of dev rows: of each task, of each block, of each sequence group


def run(
    method: str,
    seed: int,
    finetune: Finetune,
    tasks: dict[str, Task],
    backbone: Backbone,
    compute: Compute,
) -> None:
    """Train encoder and heads, keep the epoch with the best dev overall, write model, record and curves."""
    tracking.chosen()  # or the reason why not, before any work
    distributed.run(compute.processes, train, method, seed, finetune, main_tasks(tasks), backbone, compute)


def train(
    method: str,
    seed: int,
    finetune: Finetune,
    tasks: dict[str, Task],
    backbone: Backbone,
    compute: Compute,
) -> None:
    """`run`, as one of `compute.processes`."""
    main, tasks = tasks, finetune.trained(tasks)
    start = starting_encoder(results("pretrain", method, seed))
    record = {
        "method": method,
        "seed": seed,
        "start": str(start),
        "distance": trained_distance(results("pretrain", method, seed)),
        "finetune": finetune.model_dump(),
        "tasks": {name: task.model_dump() for name, task in tasks.items()},
        "backbone": backbone.model_dump(),
    }
    if others := [name for name in main if name not in tasks]:
        record["others"] = others  # main tasks that this method does not train
    inputs = [digest_folder(TOKENS), digest_folder(start), compute.model_dump()]
    if distributed.is_main():
        locks.forget("pretrain", method, seed)
    with resume.exclusive("finetune", method, seed, record, inputs) as folder:
        settle(compute)
        encoder = Encoder(start, backbone.pooling, compute)
        model = MultiTaskModel(encoder, tasks, finetune, seed)
        fitted = fit if finetune.fit == "steps" else fit_at_once
        result = fitted(model, main, finetune, method, seed, folder)
        record |= {"best_epoch": result.best_epoch, "steps": result.steps}
        if not distributed.is_main():
            return
        with atomic(results("finetune", method, seed)) as part:
            part.mkdir()
            if finetune.frozen:
                # The very bytes it came from, which DVC keeps once; hidden files are an engine's notes.
                shutil.copytree(start, part / "encoder", ignore=shutil.ignore_patterns(".*"))
            else:
                save_encoder(encoder, part / "encoder")
            save_heads(model.heads, part / "heads.safetensors")
            save_record(part, record, encoder, compute)
    for curve, points in (("train", result.curves.train), ("dev", result.curves.dev)):
        with atomic(results(f"curves/{curve}", method, seed)) as part:
            part.mkdir()
            write_csv(part / "curve.csv", points)
    timing.write("finetune", method, seed, result.seconds)


def fit(
    model: MultiTaskModel, main: dict[str, Task], settings: Finetune, method: str, seed: int, folder: Path
) -> loop.Result:
    """Train all heads, and the encoder unless it is frozen, choosing the epoch by dev overall.

    Steps and rows are drawn for all main tasks: where only some are trained, each has the batches that it always has.
    """
    tasks = settings.trained(main)
    tables = {name: TokenTable.open(TOKENS, name, "train") for name in main}
    seen: Seen = {name: [] for name in tasks}
    validate = validation(model, tasks, seen)
    if settings.start != "random":
        from protomtl.steps.finetune.closed_form import start_heads  # heavy

        start_heads(model, tasks, settings.start, seed)
    labels = {name: np.asarray(tables[name].labels) for name in tasks}
    if settings.value_bias == "mean":
        balance.begin_at_mean(model.heads, tasks, labels)
    weigh = Uncertainty(tasks).to(model.encoder.device) if settings.weighting == "uncertainty" else None
    weights = balance.weights(tasks, labels) if settings.weighting == "balanced" else settings.weights
    sizes = {name: len(table) for name, table in tables.items()}
    every = {name: torch.tensor(np.asarray(table.labels)) for name, table in tables.items()}
    by_class = {name: class_indices(main[name], own).numpy() for name, own in every.items()}
    joint = joint_prototypes(model, tables, tasks, settings, steps_per_epoch(sizes, settings), seed)
    beside = ({"weigh": weigh} if weigh else {}) | ({"prototypes": joint.modules} if joint else {})
    trained = nn.ModuleDict({"encoder": model.encoder, "heads": model.heads, **beside})
    losses = finetuning_losses(model, tables, tasks, settings, joint)
    rates = joint.rates("prototypes") if joint else {}
    if weigh and settings.weighting_lr:
        rates |= {f"weigh.{name}": settings.weighting_lr for name, _ in weigh.named_parameters()}
    objective = loop.Objective(trained, losses, weigh or fixed(weights), rates, by_class)
    purpose = f"finetune {method} seed {seed}"  # it seeds the dropout: other words, other results
    result = loop.train(purpose, objective, sizes, settings, seed, folder, validate, settings.patience)
    if not model.frozen and result.best_epoch == settings.epochs and all(seen.values()):  # the weights last validated
        author = model.trained_by(method, seed)
        for name, blocks in seen.items():
            model.leave(TokenTable.open(TOKENS, name, "dev"), author, blocks)
    return result


def fit_at_once(
    model: MultiTaskModel, main: dict[str, Task], settings: Finetune, method: str, seed: int, folder: Path
) -> loop.Result:
    """Fit the heads in closed form on the vectors of all training rows; the curves have the one point of no step."""
    from protomtl.steps.finetune.closed_form import Rows, fit_head  # heavy

    def rows(name: str, split: str) -> Rows:
        table = TokenTable.open(TOKENS, name, split)
        return Rows(model.embedder(table)(np.arange(len(table))), np.array(table.labels))

    begin, tasks = time.monotonic(), settings.trained(main)
    model.eval()
    losses = {}
    for name, task in tasks.items():
        train, dev = rows(name, "train"), rows(name, "dev")
        head = model.heads[attribute(name)]
        fit_head(head, name, task, settings.fit, train, dev)
        with torch.no_grad():
            outputs = head(*train.embeddings).cpu()
        losses[name] = round(task_loss(task, outputs, torch.from_numpy(train.labels)).item(), 6)
    found = {name: round(value, 6) for name, value in validation(model, tasks)().items()}
    print(
        f"finetune {method} seed {seed}: dev " + ", ".join(f"{name} {number(value)}" for name, value in found.items())
    )
    point = {"step": 0, "epoch": 0, "lr": 0.0, "loss": round(sum(losses.values()), 6)}
    curves = Curves([point | {f"loss_{name}": loss for name, loss in losses.items()}], [{"epoch": 0, **found}])
    return loop.Result(curves, best_epoch=0, steps=0, seconds=time.monotonic() - begin)


def validation(model: MultiTaskModel, tasks: dict[str, Task], seen: Seen | None = None) -> loop.Validate:
    """What gives the dev figure of each task, and `overall`; seen: where it leaves the last vectors, in blocks."""
    dev = {name: TokenTable.open(TOKENS, name, "dev") for name in tasks}
    embed = {name: model.embedder(table) for name, table in dev.items()}

    def remembered(name: str, rows: np.ndarray) -> tuple[Tensor, ...]:
        found = embed[name](rows)
        if seen is not None:
            seen[name] = [*(seen[name] if rows[0] else []), found]
        return found

    def validate() -> dict[str, float]:
        main = {}
        for name, task in tasks.items():
            scores = model.scores(name, task, partial(remembered, name), len(dev[name]))
            metrics = task_metrics(task, dev[name].labels, predictions(task, scores))
            main[name] = main_metric(task, metrics) if np.isfinite(scores).all() else -math.inf
        return {"overall": overall(tasks, main), **main}

    return validate


def finetuning_losses(
    model: MultiTaskModel,
    tables: Mapping[str, TokenTable],
    tasks: Mapping[str, Task],
    settings: Finetune,
    joint: Joint | None = None,
) -> loop.Losses:
    """The losses of a step: every trained task's rows through the encoder (or, frozen, looked up) and its head.

    joint: the prototypical losses beside them.
    """
    stored = {name: model.embedder(tables[name]) for name in tasks} if model.frozen else None
    smoothness = settings.smoothness

    def losses(drawn: Batches) -> dict[str, Tensor]:
        rows = {name: drawn[name] for name in tasks}
        if stored is None:
            groups = {name: model.sequences(tables[name], r) for name, r in rows.items()}
            parts = embed_batch(model.encoder, groups)
        else:
            groups, parts = {}, {name: stored[name](r) for name, r in rows.items()}
        known = {name: torch.from_numpy(tables[name].labels[r]) for name, r in rows.items()}
        labels = {name: put(values, model.encoder.device) for name, values in known.items()}
        outputs = {name: model.heads[attribute(name)](*parts[name]) for name in rows}
        found = {name: task_loss(tasks[name], outputs[name], labels[name], settings.label_smoothing) for name in rows}
        if smoothness.weight:
            moved = divergences(model.encoder, model.heads, tasks, groups, outputs, smoothness)
            found = {name: found[name] + smoothness.weight * moved[name] for name in rows}
        if joint:
            found = {n: found[n] + settings.prototypes.weight * joint.loss(n, parts[n], known[n]) for n in rows}
        return found

    return losses
