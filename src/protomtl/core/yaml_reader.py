"""Reading YAML by PyYAML, so that no two readers of a file can take it differently.

Snakemake reads params.yaml by PyYAML, which knows YAML 1.1; DVC by ruamel.yaml, which knows YAML 1.2. To the one `no`
is false and `010` is 8, to the other a word and 10. What they would take differently is refused by line, and so are
keys that stand twice, of which PyYAML keeps the last one without a word.
"""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.resolver import VersionedResolver

Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the one in C is not in every build
DEEPEST = 100
TAG = "tag:yaml.org,2002:"
KINDS = {f"{TAG}{kind}" for kind in ("str", "null", "bool", "int", "float")}


def read_yaml(path: Path) -> dict[str, Any]:
    """The blocks of a YAML file. SystemExit with its line for what is no YAML, or not the same to all readers."""
    try:
        if path.exists() and not path.is_file():  # a pipe may never end, and has nothing for the next reader
            raise SystemExit(f"{path}: is {'a folder' if path.is_dir() else 'no ordinary file'}; a YAML file is needed")
        text = path.read_text(encoding="utf-8")
        check_depth(text, path)
        loader = Loader(text)
        root = loader.get_single_node()
        if root is not None:
            check(root, path, set(), ())
        content = {} if root is None else loader.construct_document(root)
    except FileNotFoundError:
        raise SystemExit(f"{path}: no such file; run from the root of the project") from None
    except OSError as error:
        raise SystemExit(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise SystemExit(f"{path}: not UTF-8: byte {error.start}; save it as UTF-8") from None
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise SystemExit(f"{path}{line}: not valid YAML: {error.problem or error.context}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise SystemExit(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise SystemExit(f"{path}: must hold `name: value` lines, not {type(content).__name__}")
    return content


def check_depth(text: str, path: Path) -> None:
    """SystemExit for thousands of blocks within blocks, at which a reader in C ends the process."""
    depth = 0
    for event in yaml.parse(text, Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise SystemExit(f"{path}:{event.start_mark.line + 1}: more than {DEEPEST} blocks within blocks")


def check(node: Any, path: Path, seen: set[int], above: tuple[int, ...]) -> None:
    """SystemExit for what another reader takes differently, or may, at or below a node. seen, above: nodes by id."""
    if id(node) in above:
        refuse(path, node, "*", "a block may not hold itself")
    if id(node) in seen:  # an alias
        return
    seen.add(id(node))
    if isinstance(node, yaml.ScalarNode):
        check_scalar(node, path)
        return
    if node.tag not in (f"{TAG}map", f"{TAG}seq"):
        refuse(path, node, node.tag, "a tag; write the value without it")
    if isinstance(node, yaml.MappingNode):
        check_keys(node, path)
        values = [value for _, value in node.value]
        words = [key for key, _ in node.value] + values
    else:
        words = values = node.value
    for value in values:
        check(value, path, seen, (*above, id(node)))
    if node.flow_style:
        check_bracketed(words, path)


def check_bracketed(nodes: list[Any], path: Path) -> None:
    """Words between brackets or braces: to DVC's reader a colon or a question mark in one ends it."""
    for node in nodes:
        if isinstance(node, yaml.ScalarNode) and not node.style and re.search("[:?]", node.value):
            refuse(path, node, node.value, f"in brackets this needs quotes; write {json.dumps(node.value)}")


def check_keys(node: yaml.MappingNode, path: Path) -> None:
    """Keys are words, and each is there once."""
    lines: dict[str, int] = {}
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            refuse(path, key, "?", "a key must be a word")
        if key.tag != f"{TAG}merge":  # `<<: *NAME` lays one block under another, to all readers
            check_scalar(key, path)
            if key.tag != f"{TAG}str":
                refuse(path, key, key.value, f"a key must be a word; write {json.dumps(key.value)}")
        if key.value in lines:
            refuse(path, key, key.value, f"this key is there twice, in line {lines[key.value]} too; keep one of them")
        lines[key.value] = key.start_mark.line + 1


def check_scalar(node: Any, path: Path) -> None:
    """A word, number or switch that all readers take for the same."""
    tags = (f"{TAG}str", f"{TAG}str") if node.style else implicit_tags(node.value)
    if node.tag != tags[0]:
        refuse(path, node, node.tag, "a tag; write the value without it, and text in quotes")
    if not KINDS.issuperset(tags):
        refuse(path, node, node.value, f"is text only in quotes; write {json.dumps(node.value)}")
    if tags == (f"{TAG}str", f"{TAG}str"):
        return
    old, new = values(node.value)
    if repr(old) == repr(new):
        return
    if node.value == repr(new):  # 3e-05, as DVC writes it into the file (`dvc exp run -S`), which cannot be told to
        node.tag = f"{TAG}float"
        return
    refuse(path, node, node.value, f"is {written(old)} to Snakemake and {written(new)} to DVC; write which is meant")


@cache
def implicit_tags(text: str) -> tuple[str, str]:
    """What a scalar without quotes is to YAML 1.1, and to YAML 1.2."""
    old = yaml.SafeLoader("").resolve(yaml.ScalarNode, text, (True, False))
    return old, str(newer().resolve(ScalarNode, text, (True, False)))


@cache
def newer() -> Any:
    return VersionedResolver(version=(1, 2))


@cache
def values(text: str) -> tuple[Any, Any]:
    """What a scalar without quotes is worth to YAML 1.1, and to YAML 1.2."""
    return yaml.load(text, Loader), YAML(typ="safe").load(text)  # noqa: S506  # a safe loader


def written(value: Any) -> str:
    """A value in the form that is the same to all readers."""
    if isinstance(value, (str, bool)):
        return json.dumps(value, ensure_ascii=False)
    return str(yaml.safe_dump(value)).split("\n")[0]  # 1.0e-05


def refuse(path: Path, node: Any, what: str, why: str) -> NoReturn:
    raise SystemExit(f"{path}:{node.start_mark.line + 1}: {what}: {why}")
