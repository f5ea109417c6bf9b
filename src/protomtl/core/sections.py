"""Reading params.yaml section by section: wrong types and unknown keys are errors that name their path."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from protomtl.core.settings import Block

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
    return validate(f"{path}: {name}", kind, content[name])


def validate(where: str, kind: Any, value: Any) -> Any:
    """`value` as `kind`; an error lists each key that is wrong, with its path."""
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        lines = [f"{'.'.join([where, *map(str, e['loc'])])}: {e['msg']}" for e in error.errors()]
        raise SystemExit("\n".join(lines)) from None


def merged(base: dict[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`over` laid deep over `base`: mappings are merged key by key, everything else is replaced."""
    deep = {k: merged(base[k], v) for k, v in over.items() if isinstance(v, Mapping) and isinstance(base.get(k), dict)}
    return {**base, **over, **deep}


def settings_of_method(phase: str, base: Block, method: str, overrides: Literal[False] | Mapping[str, Any]) -> Any:
    """The settings of one phase of a method, of the type of `base`: `base` under the method's overrides.

    None where the method has no such phase (`pretrain: false`).
    """
    if overrides is False:
        return None
    return validate(f"{PARAMS}: method.{method}.{phase}", type(base), merged(base.model_dump(), overrides))


def phase_settings(path: Path, phase: str, kind: Any, method: str) -> Any:
    """The settings, of type `kind`, of one phase of one method; no other block is looked at."""
    block = section(path, "method", dict[str, Any]).get(method)
    if not isinstance(block, dict) or phase not in block:
        raise SystemExit(f"{path}: method.{method}.{phase}: missing")
    return settings_of_method(phase, section(path, phase, kind), method, block[phase])


def check_blocks(where: str, names: Iterable[str], blocks: Mapping[str, Any]) -> None:
    """Each name of a list in params.yaml must be that of a block under `method`."""
    for name in names:
        if name not in blocks:
            raise SystemExit(f"{where}: {name}: there is no block method.{name}")
