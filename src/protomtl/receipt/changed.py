"""Which settings of a run here are not those of a kept run."""

from collections.abc import Mapping
from typing import Any

from protomtl.core.runner import PHASES

SHARED = ("data", "rows", "worsened", "split_seed", "backbone", *PHASES)  # settings of all methods
NEUTRAL: dict[str, Any] = {  # of a kept run that does not say them
    "worsened": {"rows": 0, "wrong_labels": 0.0, "to": "any", "imbalance": 1, "seed": 1},
    "split_seed": 2024,
}


def differences(about: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, str]:
    """Dotted path -> `kept value -> value here`, of what both name: a setting that came later has its neutral value."""
    theirs, ours = flat(NEUTRAL | {**about}), flat(NEUTRAL | {**settings})
    skipped = ("label", "source")  # words for people
    return {
        path: f"{theirs[path]} -> {value}"
        for path, value in ours.items()
        if path in theirs and theirs[path] != value and path.split(".")[-1] not in skipped
    }


def flat(tree: Any, path: str = "") -> dict[str, Any]:
    """Dotted path -> value, of the settings; a list is a value."""
    if not isinstance(tree, Mapping):
        return {path: list(tree) if isinstance(tree, tuple) else tree}
    inner = {name: value for name, value in tree.items() if path or name in (*SHARED, "methods")}
    found: dict[str, Any] = {}
    for name, branch in inner.items():
        found |= flat(branch, f"{path}.{name}" if path else name)
    return found


def of_method(changed: Mapping[str, str], method: str) -> list[str]:
    """What is changed for one method: the settings of all, and its own block."""
    own = f"methods.{method}."
    mine = {path: what for path, what in changed.items() if not path.startswith("methods.") or path.startswith(own)}
    return [f"{path} {what}" for path, what in mine.items()]
