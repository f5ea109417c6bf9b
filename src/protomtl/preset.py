"""Patch params.yaml with a preset, in place and with its comments, so that it stays the complete truth."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from protomtl import config
from protomtl.files import atomic

PRESETS = Path("presets")


def apply(name: str, params: Path = config.PARAMS) -> None:
    """Lay presets/NAME.yaml over params.yaml; a result that `config.load` refuses changes nothing.

    Mappings are merged key by key, so that a preset can bring a task or a method; a list, such as
    `methods`, is replaced as a whole.
    """
    path = PRESETS / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in PRESETS.glob("*.yaml")))
        raise SystemExit(f"{path}: no such preset; there are: {known}")
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    content = yaml.load(params)
    lay_over(content, config.read_yaml(path, "rt"))
    with atomic(params) as part:
        yaml.dump(content, part)
        try:
            config.load(part)
        except SystemExit as error:
            raise SystemExit(f"{path} does not fit {params}:\n{error}") from None
    print(f"{params} now has preset {name}; `git diff {params}` shows what changed")


def lay_over(content: Any, patch: Mapping[str, Any]) -> None:
    """Set each value of `patch` in `content`, in place: what stays keeps its comments."""
    for key, value in patch.items():
        if isinstance(value, Mapping) and isinstance(content.get(key), Mapping):
            lay_over(content[key], value)
        else:
            content[key] = value
