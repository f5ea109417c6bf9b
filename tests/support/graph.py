"""The stages of dvc.yaml as they stand there, and which of them an edit of code concerns."""

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.support import ROOT
from tests.support.imports import room

STAGES: dict[str, dict[str, Any]] = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]


def code_of(stage: str) -> set[str]:
    """The rooms that a stage depends on."""
    return {dep.replace("${src}", "src/protomtl") for dep in STAGES[stage]["deps"] if dep.startswith("${src}")}


def rerun_by(edited: Path) -> set[str]:
    """The stages that depend on the room of a file or folder."""
    return {stage for stage in STAGES if room(edited) in code_of(stage)}
