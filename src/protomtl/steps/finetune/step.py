"""Step `finetune`: phase 2 of a method, results/finetune/METHOD/seedN."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from protomtl.core import locks
from protomtl.core.files import atomic, write_csv
from protomtl.core.paths import TOKENS, results
from protomtl.core.settings import Backbone
from protomtl.model import distributed
from protomtl.model.checkpoint import save_encoder, save_heads, save_record, starting_encoder, trained_distance
from protomtl.model.encoder import Encoder, settle
from protomtl.model.multitask import MultiTaskModel
from protomtl.model.sequences import TokenTable
from protomtl.model.settings import Compute
from protomtl.steps.finetune.losses import finetuning_losses
from protomtl.steps.finetune.validation import Seen, validation
from protomtl.tasks.settings import Task, main_tasks
from protomtl.training import balance, loop, resume, timing, tracking
from protomtl.training.joint import joint_prototypes
from protomtl.training.sampling import classes_of, steps_per_epoch
from protomtl.training.settings import Finetune
from protomtl.training.weighting import Uncertainty, fixed


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
    start = starting_encoder(results("pretrain", method, seed))
    record = record_of(method, seed, finetune, tasks, backbone)
    if distributed.is_main():
        locks.forget("pretrain", method, seed)
    with resume.exclusive("finetune", method, seed, record, resume.inputs(start, compute)) as folder:
        settle(compute)
        model = MultiTaskModel(Encoder(start, backbone.pooling, compute), finetune.trained(tasks), finetune, seed)
        result = fit(model, tasks, finetune, method, seed, folder)
        record |= {"best_epoch": result.best_epoch, "steps": result.steps}
        if not distributed.is_main():
            return
        write_model(results("finetune", method, seed), model, start, record, compute)
    for curve, points in vars(result.curves).items():
        with atomic(results(f"curves/{curve}", method, seed)) as part:
            part.mkdir()
            write_csv(part / "curve.csv", points)
    timing.write("finetune", method, seed, result.seconds)


def record_of(method: str, seed: int, finetune: Finetune, main: dict[str, Task], backbone: Backbone) -> dict[str, Any]:
    """What the model is made of, before it is; `others` are main tasks that the method does not train."""
    pretrained, tasks = results("pretrain", method, seed), finetune.trained(main)
    others = [name for name in main if name not in tasks]
    return {
        "method": method,
        "seed": seed,
        "start": str(starting_encoder(pretrained)),
        "distance": trained_distance(pretrained),
        "finetune": finetune.model_dump(),
        "tasks": {name: task.model_dump() for name, task in tasks.items()},
        "backbone": backbone.model_dump(),
    } | ({"others": others} if others else {})


def write_model(target: Path, model: MultiTaskModel, start: Path, record: dict[str, Any], compute: Compute) -> None:
    """The folder of a trained model, whose encoder began as `start`: encoder, heads and record."""
    with atomic(target) as part:
        part.mkdir()
        if model.frozen:
            # The very bytes it came from, which DVC keeps once; hidden files are an engine's notes.
            shutil.copytree(start, part / "encoder", ignore=shutil.ignore_patterns(".*"))
        else:
            save_encoder(model.encoder, part / "encoder")
        save_heads(model.heads, part / "heads.safetensors")
        save_record(part, record, compute)


def fit(
    model: MultiTaskModel, main: dict[str, Task], settings: Finetune, method: str, seed: int, folder: Path
) -> loop.Result:
    """Train all heads, and the encoder unless it is frozen, choosing the epoch by dev overall; or fit them at once.

    Steps and rows are drawn for all main tasks: where only some are trained, each has the batches that it always has.
    """
    tasks = settings.trained(main)
    model.share(TokenTable.open(TOKENS, name, split) for name in tasks for split in ("train", "dev"))
    if settings.fit != "steps":
        from protomtl.steps.finetune.closed_form import fit_at_once  # heavy

        return fit_at_once(model, tasks, settings, method, seed)
    tables = {name: TokenTable.open(TOKENS, name, "train") for name in main}
    seen: Seen = {name: [] for name in tasks}
    validate = validation(model, tasks, seen)
    if settings.start != "random":
        from protomtl.steps.finetune.closed_form import start_heads  # heavy

        start_heads(model, tasks, settings.start, seed)
    sizes = {name: len(table) for name, table in tables.items()}
    purpose = f"finetune {method} seed {seed}"  # it seeds the dropout: other words, other results
    objective = objective_of(model, main, tables, settings, seed)
    result = loop.train(purpose, objective, sizes, settings, seed, folder, validate, settings.patience)
    if not model.frozen and result.best_epoch == settings.epochs and all(seen.values()):  # the weights last validated
        author = model.trained_by(method, seed)
        for name, blocks in seen.items():
            model.leave(TokenTable.open(TOKENS, name, "dev"), author, blocks)
    return result


def objective_of(
    model: MultiTaskModel, main: dict[str, Task], tables: dict[str, TokenTable], settings: Finetune, seed: int
) -> loop.Objective:
    """What is trained: encoder, heads and what is learned beside them; their losses, and how these are weighed."""
    tasks = settings.trained(main)
    labels = {name: np.asarray(table.labels) for name, table in tables.items()}
    if settings.value_bias == "mean" and settings.start == "random":  # else the fit has set it, with the weights
        balance.begin_at_mean(model.heads, tasks, labels)
    weigh = Uncertainty(tasks).to(model.encoder.device) if settings.weighting == "uncertainty" else None
    weights = balance.weights(tasks, labels) if settings.weighting == "balanced" else settings.weights
    sizes = {name: len(table) for name, table in tables.items()}
    joint = joint_prototypes(model, tables, tasks, settings, steps_per_epoch(sizes, settings), seed)
    beside = ({"weigh": weigh} if weigh else {}) | ({"prototypes": joint.modules} if joint else {})
    trained = nn.ModuleDict({"encoder": model.encoder, "heads": model.heads, **beside})
    losses = finetuning_losses(model, tables, tasks, settings, joint)
    rates = joint.rates("prototypes") if joint else {}
    if weigh and settings.weighting_lr:
        rates |= {f"weigh.{name}": settings.weighting_lr for name, _ in weigh.named_parameters()}
    return loop.Objective(trained, losses, weigh or fixed(weights), rates, classes_of(main, labels))
