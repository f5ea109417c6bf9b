"""Command `schema`: write the JSON schema of params.yaml, by which editors complete and check it."""

import argparse
import copy
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import create_model

from protomtl.core.files import read_json, write_json
from protomtl.core.sections import PARAMS
from protomtl.core.yaml_reader import read_yaml
from protomtl.params import Params, section_of_a_step
from protomtl.publishing.comments import comments_of

SCHEMA = Path("docs/reference/params.schema.json")  # params.yaml names it in its first line
Schema = dict[str, Any]


def run(args: argparse.Namespace) -> None:
    write_json(SCHEMA, build(PARAMS, kept()))
    print(f"{SCHEMA}: written")


def kept() -> Schema:
    """The schema that is there; nothing of one that is no JSON, as where a merge left its marks."""
    with suppress(FileNotFoundError, SystemExit):
        return dict(read_json(SCHEMA))
    return {}


def build(path: Path, before: Schema | None = None) -> Schema:
    """The schema of the settings' types; the description of a key is its comment in params.yaml.

    before: the schema that is there, by which keys are described that no task of this file has, as `range` where there
    are only classes. It has types, words, limits and names. How keys must fit each other, `protomtl check` knows alone.
    """
    content = read_yaml(path)
    others: Schema = {name: (section_of_a_step(name), ...) for name in content if name not in Params.model_fields}
    schema: Schema = create_model("Params", __base__=Params, **others).model_json_schema()
    describe(schema, comments_of(path.read_text(encoding="utf-8")), content["tasks"])
    describe_again(schema["$defs"]["Task"], (before or {}).get("$defs", {}).get("Task", {}), content["tasks"])
    override(schema["$defs"])
    tidy(schema)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def describe(schema: Schema, comments: dict[str, str], tasks: Schema) -> None:
    """Give each key the comment of its place in params.yaml; the two phases explain what they share once."""
    blocks = {"": schema, "tasks": schema["$defs"]["Task"]}
    blocks |= {name: schema["$defs"][name_of(value)] for name, value in schema["properties"].items() if "$ref" in value}
    prefixes = {name: [f"{name}."] for name in blocks} | {"": [""], "tasks": [f"tasks.{task}." for task in tasks]}
    prefixes["finetune"] += prefixes["pretrain"]
    prefixes["pretrain"] += ["finetune."]
    for section, block in blocks.items():
        for name, value in block["properties"].items():
            found = [comments[place] for prefix in prefixes[section] if (place := f"{prefix}{name}") in comments]
            if found:
                value["description"] = found[0]


def describe_again(task: Schema, before: Schema, tasks: Schema) -> None:
    """Give the keys that no task has the description that they had."""
    used = {key for block in tasks.values() for key in block}
    for name, value in task["properties"].items():
        known = before.get("properties", {}).get(name, {})
        if name not in used and "description" in known:
            value["description"] = known["description"]


def override(definitions: Schema) -> None:
    """A method's phases hold keys of the base settings, and need none of them."""
    phases = definitions["Method"]["properties"]
    phases["finetune"] = {"$ref": optional(definitions, "Finetune")}
    phases["pretrain"] = {"anyOf": [{"const": False}, {"$ref": optional(definitions, "Pretrain")}]}


def optional(definitions: Schema, name: str) -> str:
    """The place of a block like `name` in which no key must be there."""
    changed = f"{name}Overrides"
    if changed not in definitions:
        definitions[changed] = copy.deepcopy(definitions[name])
        definitions[changed].pop("required")
        for value in definitions[changed]["properties"].values():
            if "$ref" in value:
                value["$ref"] = optional(definitions, name_of(value))
    return f"#/$defs/{changed}"


def name_of(value: Schema) -> str:
    """The definition that a value refers to."""
    return str(value["$ref"].rpartition("/")[2])


def tidy(value: Any) -> None:
    """No titles, which are the keys again; and no key that does not have a name's letters."""
    if isinstance(value, dict):
        if isinstance(value.get("title"), str):
            del value["title"]
        if "patternProperties" in value:
            value["additionalProperties"] = False
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        tidy(inner)
