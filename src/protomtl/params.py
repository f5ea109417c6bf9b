"""All of params.yaml, checked at once: every block must be sound, and what a list names must exist."""

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from protomtl import provided
from protomtl.analysis.settings import Margin
from protomtl.core import runner
from protomtl.core.paths import WRITTEN, real
from protomtl.core.sections import PARAMS, check_blocks, settings_of_method, validate
from protomtl.core.settings import Backbone, Block, Data, Joined, Method, Name, Seed, different, distinct, instead
from protomtl.core.yaml_reader import read_yaml
from protomtl.model.settings import Compute
from protomtl.perturbations.settings import Perturb
from protomtl.pretraining.settings import Pretrain
from protomtl.steps.embed.settings import Embed
from protomtl.steps.export.settings import Export
from protomtl.tasks.kinds import KINDS
from protomtl.tasks.settings import Task, counted, flaw, main_tasks
from protomtl.tokenizer import Tokens
from protomtl.training.settings import Finetune, Training

# What tables and metrics call a column, beside a task's own name: by itself, and behind that name and `_`.
COLUMNS = {
    *("method", "label", "source", "overall", "epoch", "epochs", "steps", "best_epoch", "seed", "seeds", "seconds"),
    *("overall_rescaled", "data", "backbone", "split", "id", "gold", "by"),
}
FIGURES = {figure for kind in KINDS.values() for figure in kind.metrics} | {
    *("nearest", "first", "first_nearest", "mean", "best_member", "sd", "iqm", "low", "high", "paper", "difference")
}


class Params(Block):
    """All of params.yaml. `methods` and `compare` may only name blocks that exist, and every block must be sound."""

    seeds: Annotated[list[Seed], Field(min_length=1), AfterValidator(different)]
    methods: Annotated[list[Name], Field(min_length=1), AfterValidator(distinct)]
    # Need not be among `methods`, so that a run of a few methods changes nothing else.
    compare: Annotated[list[Name], AfterValidator(different)]
    margin: Margin
    data: Data
    tasks: Annotated[dict[Name, Task], Field(min_length=1), AfterValidator(distinct)]
    backbone: Backbone
    tokens: Tokens
    perturb: Perturb
    compute: Compute
    pretrain: Pretrain
    finetune: Finetune
    embed: Embed
    export: Export
    method: dict[Name, Method]
    joined: dict[Name, Joined]


def load(path: Path = PARAMS, run: str | None = None) -> Params:
    """All of params.yaml. SystemExit for what is wrong, with its place; nothing else is needed before work begins.

    Every method's block must be sound. What it says of tasks must fit them if it is listed or is `run`, a method
    that need not be listed.
    """
    content = read_yaml(path)
    for name in [name for name in content if name not in Params.model_fields]:
        if (kind := section_of_a_step(name)) is not None:
            validate(f"{path}: {name}", kind, content.pop(name))
    params: Params = validate(str(path), Params, content)
    asked = [run] if run else []
    check_blocks(f"{path}: methods", params.methods, params.method)
    check_blocks(f"{path}: method", asked, params.method)
    check_joined(path, params)
    check_labels(path, params)
    check_blocks(f"{path}: compare", params.compare, {**params.method, **params.joined})
    for name, block in (("embed", params.embed), ("export", params.export)):
        if block.method not in params.methods:
            raise SystemExit(f"{path}: {name}.method: {block.method} is not among `methods`; name one of them")
        if block.seed not in params.seeds:
            raise SystemExit(f"{path}: {name}.seed: {block.seed} is not among `seeds`; name one of them")
    check_folders(path, params)
    for name, task in params.tasks.items():
        if said := flaw(task):
            raise SystemExit(f"{path}: tasks.{name}: {said}")
    provided.check(str(path), params.data.source, params.tasks)
    check_figures(path, main_tasks(params.tasks))
    for name, method in params.method.items():
        settings_of_method("pretrain", params.pretrain, name, method.pretrain)
        finetune = settings_of_method("finetune", params.finetune, name, method.finetune)
        if name in (*params.methods, *asked):
            check_tasks_of_method(path, name, finetune, params)
    check_every_task_is_trained(path, params)
    return params


def check_folders(path: Path, params: Params) -> None:
    """The user's files are not where a step writes: it would remove them."""
    for key, folder in (("data.folder", params.data.folder), ("backbone.folder", params.backbone.folder)):
        if place := next((own for own in WRITTEN if real(folder).is_relative_to(real(own))), None):
            raise SystemExit(
                f"{path}: {key}: {folder}: lies in {place}, where steps replace what they find; "
                "move your files elsewhere, as to data/own"
            )


def updates(params: Params) -> dict[str, int]:
    """Of the encoder in both phases, of each listed method: about how long it is trained.

    An epoch whose length the data decide counts as one update.
    """

    def phases(name: str, method: Method) -> Iterator[Training | None]:
        yield settings_of_method("pretrain", params.pretrain, name, method.pretrain)
        finetune = settings_of_method("finetune", params.finetune, name, method.finetune)
        yield None if finetune.frozen else finetune

    return {
        name: sum(phase.epochs * max(phase.steps_per_epoch, 1) for phase in phases(name, params.method[name]) if phase)
        for name in params.methods
    }


def check_joined(path: Path, params: Params) -> None:
    """A row that is put together has parts that exist, and a name of its own."""
    for name, row in params.joined.items():
        check_blocks(f"{path}: joined.{name}.parts", row.parts, params.method)
        if name in params.method:
            raise SystemExit(f"{path}: joined.{name}: a block of `method` has this name; rename one of them")


def check_labels(path: Path, params: Params) -> None:
    """The label of a method names its rows: each has one of its own. A row that is put together stands in the place of
    its parts, and may be called as one of them."""
    shown: list[tuple[str, Method | Joined]] = [(f"method.{name}", params.method[name]) for name in params.methods]
    shown += [(f"joined.{name}", row) for name, row in params.joined.items() if {*row.parts} <= {*params.methods}]
    owners: dict[str, str] = {}
    for key, row in shown:
        place, label = f"{path}: {key}.label", row.label.strip()
        if not label:
            raise SystemExit(f"{place}: is empty; tables and pictures name the method by it")
        owner = owners.setdefault(label, key).partition(".")[2]
        if owner != key.partition(".")[2] and not (isinstance(row, Joined) and owner in row.parts):
            raise SystemExit(f"{place}: {label!r} is that of {owner}, too; no table could tell them apart")


def check_every_task_is_trained(path: Path, params: Params) -> None:
    """Tables have a column for each main task."""
    main = main_tasks(params.tasks)
    blocks = [settings_of_method("finetune", params.finetune, n, params.method[n].finetune) for n in params.methods]
    if missing := [task for task in main if not any(task in block.trained(main) for block in blocks)]:
        raise SystemExit(f"{path}: methods: none of them trains {', '.join(missing)}; list one that does")


def section_of_a_step(name: str) -> Any:
    """The type of a section that one step alone reads, as its `run` names it; None if no step does."""
    for step in runner.steps():
        if f" {name}: " in runner.signature(step):
            return inspect.signature(runner.module(step).run).parameters[name].annotation
    return None


def check_figures(path: Path, tasks: dict[str, Task]) -> None:
    """Tables and metrics have a column TASK and columns TASK_WHAT: no two tasks may have one together."""
    owners = dict.fromkeys(COLUMNS, "the tables")
    for name in tasks:
        for column in (name, *(f"{name}_{what}" for what in sorted(FIGURES))):
            if owner := owners.get(column):
                raise SystemExit(f"{path}: tasks.{name}: its column {column} is one of {owner}, too; rename it")
            owners[column] = f"task {name}"


def check_tasks_of_method(path: Path, name: str, settings: Finetune, params: Params) -> None:
    """What a method says of single tasks must fit the main tasks that there are."""
    main, place = main_tasks(params.tasks), f"{path}: method.{name}.finetune"
    for task in settings.tasks if settings.tasks != "all" else ():
        if task not in main:
            raise SystemExit(f"{place}.tasks: no such main task: {task}{instead(task, main)}")
    main = settings.trained(main)
    for task in settings.weights:
        if task not in main:
            raise SystemExit(f"{place}.weights: no such main task: {task}{instead(task, main)}")
    if not counted(main):
        raise SystemExit(f"{place}.tasks: the metric of each is rmse; one must have another, for `overall` chooses")
    if not any(settings.weights.get(task, 1.0) for task in main):
        raise SystemExit(f"{place}.weights: all are 0, so that nothing would be learned; give a task a weight")
    pairs = [task for task in main if main[task].pair]
    if isinstance(settings.pair_encoding, dict) and set(settings.pair_encoding) != set(pairs):
        raise SystemExit(f"{place}.pair_encoding: must name all pair tasks: {pairs}")
