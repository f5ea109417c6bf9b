"""All of params.yaml, checked at once: every block must be sound, and what a list names must exist."""

import inspect
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from protomtl.core import runner
from protomtl.core.sections import PARAMS, check_blocks, read_yaml, settings_of_method, validate
from protomtl.core.settings import Backbone, Block, Data, Method, Name, Seed, different
from protomtl.model.settings import Compute
from protomtl.pretraining.settings import Pretrain
from protomtl.steps.embed.settings import Embed
from protomtl.steps.export.settings import Export
from protomtl.tasks.settings import Task, main_tasks
from protomtl.tokenizer import Tokens
from protomtl.training.settings import Finetune


class Params(Block):
    """All of params.yaml. `methods` and `compare` may only name blocks that exist, and every block must be sound."""

    seeds: Annotated[list[Seed], Field(min_length=1), AfterValidator(different)]
    methods: Annotated[list[Name], Field(min_length=1), AfterValidator(different)]
    compare: Annotated[
        list[Name], AfterValidator(different)
    ]  # need not be among `methods`, so that a run of a few methods changes nothing else
    data: Data
    tasks: Annotated[dict[Name, Task], Field(min_length=1)]
    backbone: Backbone
    tokens: Tokens
    compute: Compute
    pretrain: Pretrain
    finetune: Finetune
    embed: Embed
    export: Export
    method: dict[Name, Method]


def load(path: Path = PARAMS) -> Params:
    """All of params.yaml, with every method's settings checked too."""
    content = read_yaml(path)
    for name in [name for name in content if name not in Params.model_fields]:
        if (kind := section_of_a_step(name)) is not None:
            validate(f"{path}: {name}", kind, content.pop(name))
    params: Params = validate(str(path), Params, content)
    check_blocks(f"{path}: methods", (*params.methods, params.embed.method, params.export.method), params.method)
    check_blocks(f"{path}: compare", params.compare, params.method)
    for name, block in (("embed", params.embed), ("export", params.export)):
        if block.method not in params.methods:
            raise SystemExit(f"{path}: {name}.method: {block.method} is not among `methods`")
        if block.seed not in params.seeds:
            raise SystemExit(f"{path}: {name}.seed: {block.seed} is not among `seeds`")
    for name, method in params.method.items():
        settings_of_method("pretrain", params.pretrain, name, method.pretrain)
        check_tasks_of_method(
            path, name, settings_of_method("finetune", params.finetune, name, method.finetune), params
        )
    return params


def section_of_a_step(name: str) -> Any:
    """The type of a section that one step alone reads, as its `run` names it; None if no step does."""
    for step in runner.steps():
        if f" {name}: " in runner.signature(step):
            return inspect.signature(runner.module(step).run).parameters[name].annotation
    return None


def check_tasks_of_method(path: Path, name: str, settings: Finetune, params: Params) -> None:
    """What a method says of single tasks must fit the main tasks that there are."""
    main = main_tasks(params.tasks)
    if unknown := set(settings.weights) - set(main):
        raise SystemExit(f"{path}: method.{name}.finetune.weights: no such main task: {sorted(unknown)}")
    pairs = {name for name, task in main.items() if task.pair}
    if isinstance(settings.pair_encoding, dict) and set(settings.pair_encoding) != pairs:
        raise SystemExit(f"{path}: method.{name}.finetune.pair_encoding: must name all pair tasks: {sorted(pairs)}")
