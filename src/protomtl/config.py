"""params.yaml, checked once: unknown keys, wrong types and impossible values are errors that name their path."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from protomtl.schema import Finetune, Params, Pretrain, Task

PARAMS = Path("params.yaml")


def read_yaml(path: Path, kind: Literal["safe", "rt"] = "safe") -> dict[str, Any]:
    """Read YAML 1.2 (as DVC does, so that 1e-5 is a number); `rt`, round trip, keeps comments and style."""
    try:
        return dict(YAML(typ=kind).load(path) or {})
    except FileNotFoundError:
        raise SystemExit(f"{path}: no such file; run from the root of the project") from None
    except (YAMLError, ValueError, TypeError) as error:
        raise SystemExit(f"{path}: not valid YAML: {error}") from None


def section(path: Path, name: str, kind: Any) -> Any:
    """One top-level section of params.yaml, checked against its declared type."""
    content = read_yaml(path)
    if name not in content:
        raise SystemExit(f"{path}: {name}: this section is missing")
    return checked(f"{path}: {name}", kind, content[name])


def checked(where: str, kind: Any, value: Any) -> Any:
    """Validate `value` as `kind`; an error lists each key that is wrong, with its path."""
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        lines = [f"{'.'.join([where, *map(str, e['loc'])])}: {e['msg']}" for e in error.errors()]
        raise SystemExit("\n".join(lines)) from None


def main_tasks(tasks: Mapping[str, Task]) -> dict[str, Task]:
    """The tasks that are fine-tuned, evaluated and shown: all but the auxiliary ones. SystemExit if there is none."""
    main = {name: task for name, task in tasks.items() if not task.auxiliary}
    if not main:
        raise SystemExit(f"{PARAMS}: tasks: all are auxiliary; at least one must be a main task")
    return main


def merged(base: dict[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`over` laid deep over `base`: mappings are merged key by key, everything else is replaced."""
    deep = {k: merged(base[k], v) for k, v in over.items() if isinstance(v, Mapping) and isinstance(base.get(k), dict)}
    return {**base, **over, **deep}


def recipe(base: Pretrain, method: str, overrides: Literal[False] | Mapping[str, Any]) -> Pretrain | None:
    """The pre-training of a method: base settings under its overrides; None when it has none."""
    if overrides is False:
        return None
    value = merged(base.model_dump(), overrides)
    settings: Pretrain = checked(f"{PARAMS}: method.{method}.pretrain", Pretrain, value)
    return settings


def finetuning(base: Finetune, method: str, overrides: Mapping[str, Any]) -> Finetune:
    """The fine-tuning of a method: base settings under its overrides."""
    value = merged(base.model_dump(), overrides)
    settings: Finetune = checked(f"{PARAMS}: method.{method}.finetune", Finetune, value)
    return settings


def phase(path: Path, name: str, method: str) -> Pretrain | Finetune | None:
    """The settings of one phase (`pretrain` or `finetune`) of one method; no other block is looked at."""
    block = section(path, "method", dict[str, Any]).get(method)
    if not isinstance(block, dict) or name not in block:
        raise SystemExit(f"{path}: method.{method}.{name}: missing")
    if name == "pretrain":
        return recipe(section(path, name, Pretrain), method, block[name])
    return finetuning(section(path, name, Finetune), method, block[name])


def check_blocks(where: str, names: Iterable[str], blocks: Mapping[str, Any]) -> None:
    """Each name of a list in params.yaml must be that of a block under `method`."""
    for name in names:
        if name not in blocks:
            raise SystemExit(f"{where}: {name}: there is no block method.{name}")


def load(path: Path = PARAMS) -> Params:
    """All of params.yaml, with every method's settings checked too."""
    params: Params = checked(str(path), Params, read_yaml(path))
    check_blocks(f"{path}: methods", (*params.methods, params.embed.method, params.export.method), params.method)
    check_blocks(f"{path}: compare", params.compare, params.method)
    for name, block in (("embed", params.embed), ("export", params.export)):
        if block.method not in params.methods:
            raise SystemExit(f"{path}: {name}.method: {block.method} is not among `methods`")
        if block.seed not in params.seeds:
            raise SystemExit(f"{path}: {name}.seed: {block.seed} is not among `seeds`")
    main = main_tasks(params.tasks)
    for name, method in params.method.items():
        recipe(params.pretrain, name, method.pretrain)
        settings = finetuning(params.finetune, name, method.finetune)
        if unknown := set(settings.weights) - set(main):
            raise SystemExit(f"{path}: method.{name}.finetune.weights: no such main task: {sorted(unknown)}")
        pairs = {name for name, task in main.items() if task.pair}
        if isinstance(settings.pair_encoding, dict) and set(settings.pair_encoding) != pairs:
            raise SystemExit(f"{path}: method.{name}.finetune.pair_encoding: must name all pair tasks: {sorted(pairs)}")
    return params
