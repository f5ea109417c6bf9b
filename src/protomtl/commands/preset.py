"""Command `preset`: patch params.yaml with a preset, keeping its comments; it stays the complete truth."""

import argparse
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ruamel.yaml.comments import CommentedSeq

from protomtl.core.sections import PARAMS
from protomtl.own_data.writing import editable, edited, listed_for_others, rewritten
from protomtl.params import load

PRESETS = Path("presets")


def arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("name", metavar="NAME", help="a file of presets/, without .yaml")


def run(args: argparse.Namespace) -> None:
    apply(args.name)


def apply(name: str, params: Path = PARAMS) -> None:
    """Lay presets/NAME.yaml over params.yaml; a result that `params.load` refuses changes nothing.

    Mappings are merged key by key, so that a preset can bring a task or a method; a list, such as
    `methods`, is replaced as a whole. `methods: all` stands for every block under `method`. Of a preset's methods those
    that name tasks which there are not, as after `init`, are no rows, and are told.
    """
    path = PRESETS / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in PRESETS.glob("*.yaml")))
        if not known:
            raise SystemExit(f"{PRESETS}: no presets there; run from the root of the project")
        raise SystemExit(f"{path}: no such preset; there are: {known}")
    (content, was), patch = edited(params), editable(path) or {}
    content = content or {}
    if patch.get("methods") == "all":
        load(params)  # the blocks are looked into, and so must be sound
        patch["methods"] = [*dict.fromkeys([*content.get("method", ()), *patch.get("method", ())])]
    lay_over(content, patch)
    if "methods" in patch:
        with suppress(KeyError, TypeError, AttributeError):  # of what is not sound, which is told below
            leave_out_others(content)
    back = way_back(params)
    with rewritten(params, content, was) as part:
        try:
            load(part)
        except SystemExit as error:
            raise SystemExit(f"{path} does not fit {params}:\n{str(error).replace(str(part), str(params))}") from None
    print(f"{params} now has preset {name}; `git diff {params}` shows what changed, {back}")


def way_back(params: Path) -> str:
    """What `git checkout` will do, in words: edits that are in no commit it would take away, too."""
    with suppress(OSError):  # without git
        status = ["git", "status", "--porcelain", "--untracked-files=no", "--", params.name]
        if subprocess.run(status, cwd=params.parent, capture_output=True, check=False).stdout:
            return f"your edits of before, too, which are in no commit: `git checkout {params}` takes back both"
    return f"`git checkout {params}` takes it back"


def leave_out_others(content: Any) -> None:
    """Take methods that name tasks that there are not out of `methods`, with a word; not if none would be left."""
    main = {name: task for name, task in content["tasks"].items() if not task.get("auxiliary", False)}
    others = listed_for_others(content, main)
    if others and len(others) < len(content["methods"]):
        refill(content["methods"], [name for name in content["methods"] if name not in others])
        print(f"methods: without {', '.join(others)}, which name other tasks")


def lay_over(content: Any, patch: Mapping[str, Any]) -> None:
    """Set each value of `patch` in `content`, in place: what stays keeps its comments."""
    for key, value in patch.items():
        if isinstance(value, Mapping) and isinstance(content.get(key), Mapping):
            lay_over(content[key], value)
        elif isinstance(value, list) and isinstance(content.get(key), CommentedSeq):
            refill(content[key], value)
        else:
            content[key] = value


def refill(old: CommentedSeq, values: list[Any]) -> None:
    """Put other values into a list, in its style. What follows it, such as an empty line, follows the last of them.

    A new list in its place would leave its comments where ruamel.yaml may write them into the next block.
    """
    after = old.ca.items.pop(len(old) - 1, None)
    old.ca.items.clear()
    del old[:]
    old.extend(values)
    if after is not None and values:
        old.ca.items[len(values) - 1] = after
