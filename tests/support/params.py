"""params.yaml of own files as a user writes it, with a change."""

import copy
from pathlib import Path
from typing import Any

import yaml

from tests.support import ROOT

WHOLE: dict[str, Any] = yaml.load((ROOT / "params.yaml").read_text(encoding="utf-8"), yaml.CSafeLoader)
WHOLE["data"]["source"] = "folder"  # own files: tasks of any name
UNTOUCHED = WHOLE["data"]["worsened"]
SST = WHOLE["tasks"]["sst"]


def written(folder: Path, content: dict[str, Any]) -> Path:
    (folder / "params.yaml").write_text(yaml.dump(content, Dumper=yaml.CSafeDumper, sort_keys=False))
    return folder / "params.yaml"


def edited(folder: Path, path: str, value: Any) -> Path:
    """params.yaml with one key set, or removed (value ...)."""
    content = copy.deepcopy(WHOLE)
    *above, key = path.split(".")
    block = content
    for name in above:
        block = block[name]
    if value is ...:
        del block[key]
    else:
        block[key] = value
    return written(folder, content)
