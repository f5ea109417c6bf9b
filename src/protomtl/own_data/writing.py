"""The tasks of a user's data in params.yaml: their blocks, where the data lie, and the methods that fit them."""

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from protomtl.core.files import atomic
from protomtl.core.locks import held
from protomtl.core.yaml_reader import read_yaml
from protomtl.own_data.columns import numbered

PLAIN = re.compile(r"[^\W\d_][\w ./-]*[\w.]|[^\W\d_]")  # words that no reader of YAML takes for something else
WORDS_OF_YAML = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}  # unlike YAML 1.2, 1.1 knows them all
COLUMN = 34  # of comments, where a line leaves room
SMALL = 0.01  # weight of the other tasks where one is weighted (report §4.2)


def round_trip() -> YAML:
    """Reads and writes params.yaml with its comments and style."""
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def edited(path: Path) -> tuple[Any, bytes]:
    """`editable`, and what the file was just before, for `rewritten`."""
    was = path.read_bytes() if path.is_file() else b""
    return editable(path), was


def editable(path: Path) -> Any:
    """A YAML file with its comments and style, to be changed in place. SystemExit for what is no YAML, or not the same
    to all readers."""
    read_yaml(path)
    try:
        return round_trip().load(path.read_text(encoding="utf-8-sig"))
    except MarkedYAMLError as error:  # it keeps to the letter of YAML where PyYAML does not
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        said = (error.problem or error.context).replace("\t", "\\t")
        raise SystemExit(f"{path}{line}: not valid YAML: {said}") from None


@contextmanager
def rewritten(path: Path, content: Any, was: bytes) -> Iterator[Path]:
    """`atomic` for a file that is the user's, with the content that `editable` gave: a link stays one, and so do its
    rights and its line ends. SystemExit if it is read-only, or not what it `was` when it was read: another hand is at
    work on it."""
    target = path.resolve()
    if not os.access(target, os.W_OK):
        raise SystemExit(f"{path}: is read-only; `chmod u+w {path}` first")
    with held(target) as ours:
        if not ours or target.read_bytes() != was:
            raise SystemExit(
                f"{path}: has been changed in the meantime; nothing was written: look at it and run this again"
            )
        with atomic(target) as part:
            with part.open("w", encoding="utf-8", newline="\r\n" if b"\r\n" in was else "\n") as file:
                round_trip().dump(content, file)
            yield part
            shutil.copymode(target, part)


def lay_in(content: Any, tasks: Mapping[str, Mapping[str, Any]], folder: str) -> list[str]:
    """Put the tasks in the place of those that are there, the data's folder, and methods that weight each task or train
    it alone.

    Methods that name tasks that are no more leave the list `methods`; their blocks stay. Returns the changes, in words.
    """
    content["data"]["source"], content["data"]["folder"] = "folder", plain(folder)
    elsewhere, content["data"]["elsewhere"] = content["data"].get("elsewhere"), False  # it belongs to another source
    before = [*content["tasks"]]
    explained = explanations(content["tasks"])
    for name in before:
        del content["tasks"][name]
    for name, block in tasks.items():
        content["tasks"][plain(name)] = styled(block)
        for key in [key for key in block if key in explained]:
            content["tasks"][name].yaml_add_eol_comment(explained.pop(key), key, COLUMN)
    gone = listed_for_others(content, tasks)
    new = add_weighted(content["method"], [*tasks])
    add_single(content, [*tasks])
    place = min((content["methods"].index(name) for name in gone), default=len(content["methods"]))
    for name in gone:
        content["methods"].remove(name)
    for name in reversed([name for name in new if name not in content["methods"]]):
        content["methods"].insert(place, name)
    said = [f"tasks: {', '.join(tasks)}; without {', '.join(before)}", f"data.source: folder, data.folder: {folder}"]
    said += ["data.elsewhere: false"] if elsewhere else []
    said += unsaid_about(content["perturb"]["about"], tasks)
    said += [f"methods: without {', '.join(gone)}, which name other tasks"] if gone else []
    return said + ([f"methods: with {', '.join(new)}"] if new else [])


def unsaid_about(about: Any, tasks: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Take tasks that are no more out of `perturb.about`; which of these it says nothing of, in words."""
    for name in [name for name in about if name not in tasks]:
        del about[name]
    unsaid = ", ".join(name for name in tasks if name not in about)
    return [f"perturb.about: nothing of {unsaid}; say there what labels mean for tests of meaning"] if unsaid else []


def explanations(tasks: Any) -> dict[str, str]:
    """The first comment of each key of the tasks' blocks: what follows in later ones is of these tasks."""
    found: dict[str, str] = {}
    for block in tasks.values():
        for key, (_, _, token, *_) in block.ca.items.items():
            if token is not None and (text := token.value.partition("\n")[0]).startswith("#"):
                found.setdefault(key, text.removeprefix("#").strip())
    return found


def listed_for_others(content: Any, tasks: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Those of `methods` that do not fit these tasks."""
    return [name for name in content["methods"] if names_others(content["method"][name]["finetune"], tasks)]


def names_others(finetune: Mapping[str, Any], tasks: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether a method says something of tasks that there are not, or not of all pairs what must be said of all."""
    encoding = finetune.get("pair_encoding")
    pairs = {name for name, block in tasks.items() if len(block["texts"]) == 2}
    trained = finetune.get("tasks", "all")
    named = {*finetune.get("weights", ()), *(() if trained == "all" else trained)}
    return bool(named - set(tasks)) or (isinstance(encoding, dict) and set(encoding) != pairs)


def add_weighted(blocks: Any, tasks: list[str]) -> list[str]:
    """A method for each of several tasks in which it weighs most, as the paper has them; the names of all of these."""
    if len(tasks) < 2:
        return []
    found = []
    for name in tasks:
        weights = dict.fromkeys(tasks, SMALL) | {name: round(1 - SMALL * (len(tasks) - 1), 2)}
        block = {"label": f"{name} weighted", "source": "report §4.2", "pretrain": False}
        finetune = in_one_line(CommentedMap({"weights": CommentedMap({plain(k): w for k, w in weights.items()})}))
        free = next(n for n in numbered(f"{name}_weighted") if n not in blocks or weighs(blocks[n], tasks))
        blocks.setdefault(free, CommentedMap(block | {"finetune": finetune}))
        found.append(free)
    return found


def weighs(block: Any, tasks: list[str]) -> bool:
    """Whether a method weights these tasks and no others; the block of an earlier `init` may name others."""
    return {*(block["finetune"].get("weights") or ())} == {*tasks}


def add_single(content: Any, tasks: list[str]) -> None:
    """A method for each of several tasks that trains it alone, as `concat` trains all, and the row that is put together
    from these."""
    if len(tasks) < 2 or "single_tasks" not in content.get("joined", {}):
        return
    for name in tasks:
        finetune = in_one_line(CommentedMap({"pair_encoding": "concat", "tasks": CommentedSeq([plain(name)])}))
        block = {"label": f"Concat, {name} alone", "source": "control", "pretrain": False, "finetune": finetune}
        content["method"].setdefault(f"only_{name}", CommentedMap(block))
    content["joined"]["single_tasks"]["parts"] = in_one_line(CommentedSeq([f"only_{name}" for name in tasks]))


def plain(value: Any) -> Any:
    """A text, quoted where a reader of YAML could take it for something else."""
    if not isinstance(value, str) or (PLAIN.fullmatch(value) and value.lower() not in WORDS_OF_YAML):
        return value
    return DoubleQuotedScalarString(value)


def styled(block: Mapping[str, Any]) -> CommentedMap:
    """A block with its lists and files in one line each."""
    found = CommentedMap()
    for key, value in block.items():
        if isinstance(value, list):
            found[key] = in_one_line(CommentedSeq([plain(v) for v in value]))
        elif isinstance(value, Mapping):
            found[key] = in_one_line(CommentedMap({k: plain(v) for k, v in value.items()}))
        else:
            found[key] = plain(value)
    return found


def in_one_line(value: Any) -> Any:
    """A list or a block in brackets or braces."""
    value.fa.set_flow_style()
    return value
