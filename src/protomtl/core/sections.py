"""params.yaml section by section: wrong types and unknown keys are errors that name their path."""

import argparse
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from protomtl.core.settings import Block, instead

PARAMS = Path("params.yaml")
SHOWN = 60  # letters of a wrong value
EXPECTED = "Input should be "  # pydantic's words


def section(content: Mapping[str, Any], name: str, kind: Any) -> Any:
    """One top-level section of params.yaml, checked against its declared type."""
    if name not in content:
        raise SystemExit(f"{PARAMS}: {name}: this section is missing")
    return validate(f"{PARAMS}: {name}", kind, content[name])


def validate(where: str, kind: Any, value: Any) -> Any:
    """`value` as `kind`; an error lists each key that is wrong, with its path and its value."""
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        faults: dict[str, str] = {}
        for place, message in (told(where, fault) for fault in error.errors()):
            before, likewise = faults.setdefault(place, message), message.partition(EXPECTED)[2]
            if before != message and EXPECTED in before and likewise:  # one of several types
                faults[place] = f"{before} or {likewise}"
        raise SystemExit("\n".join(f"{place}: {message}" for place, message in faults.items())) from None


def told(where: str, fault: Mapping[str, Any]) -> tuple[str, str]:
    """One error of pydantic: the path, without its notes on types; the value, if it is one, and what is wrong."""
    keys = [str(key) for key in fault["loc"] if not str(key).endswith("]")]
    if fault["type"] == "unknown_key":
        keys.append(str(fault["ctx"]["key"]))
    path = where + ("." if ": " in where else ": ") + ".".join(keys) if keys else where
    value = fault["input"]
    shown = f"{value!r:.{SHOWN}}: " if isinstance(value, (str, int, float)) else "null: " if value is None else ""
    message = fault["msg"].removeprefix("Value error, ").replace("a valid tuple", "a valid list")
    return path, shown + re.sub(r"a valid dictionary( or instance of \w+)?", "a block of keys", message)


def argument(kind: Any) -> Callable[[str], Any]:
    """A type of settings as one of argparse, so that the command line has the limits that params.yaml has."""

    def read(text: str) -> Any:
        try:
            return TypeAdapter(kind).validate_strings(text)
        except ValidationError as error:
            raise argparse.ArgumentTypeError(f"{text!r:.{SHOWN}}: {error.errors()[0]['msg']}") from None

    return read


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


def phase_settings(content: Mapping[str, Any], phase: str, kind: Any, method: str) -> Any:
    """The settings, of type `kind`, of one phase of one method; no other block is looked at."""
    block = section(content, "method", dict[str, Any]).get(method)
    if not isinstance(block, dict) or phase not in block:
        raise SystemExit(f"{PARAMS}: method.{method}.{phase}: missing")
    return settings_of_method(phase, section(content, phase, kind), method, block[phase])


def check_blocks(where: str, names: Iterable[str], blocks: Mapping[str, Any]) -> None:
    """Each name of a list in params.yaml must be that of a block under `method`."""
    for name in names:
        if name not in blocks:
            raise SystemExit(f"{where}: {name}: there is no block method.{name}{instead(name, blocks)}")
