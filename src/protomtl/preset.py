"""Patch params.yaml with a preset, in place and with its comments, so that it stays the complete truth."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from protomtl import config
from protomtl.files import atomic

PRESETS = Path("presets")


def apply(name: str, params: Path = config.PARAMS) -> None:
    """Lay presets/NAME.yaml over params.yaml; an unknown key or a value that does not fit changes nothing."""
    path = PRESETS / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in PRESETS.glob("*.yaml")))
        raise SystemExit(f"{path}: no such preset; there are: {known}")
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    content = yaml.load(params)
    lay_over(content, config.read_yaml(path), str(path))
    with atomic(params) as part:
        yaml.dump(content, part)
        config.load(part)
    print(f"{params} now has preset {name}; `git diff {params}` shows what changed")


def lay_over(content: Any, patch: Mapping[str, Any], where: str) -> None:
    """Set each value of `patch` in `content`; a key that `content` lacks is an error, except below `finetune`
    and `pretrain` of a method, where it is an override of the base settings."""
    for key, value in patch.items():
        inside = f"{where}: {key}" if ": " not in where else f"{where}.{key}"
        override = ".method." in inside.replace(": ", ".")
        if key not in content and not override:
            raise SystemExit(f"{inside}: params.yaml has no such key")
        if isinstance(value, Mapping) and isinstance(content.get(key), Mapping):
            lay_over(content[key], value, inside)
        else:
            content[key] = value
