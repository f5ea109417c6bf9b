"""Running one step: it sees the sections of params.yaml that its signature names, and no others."""

import importlib
import inspect
import sys
from pathlib import Path
from typing import Any

from protomtl import config, files

PACKAGE = Path(__file__).parent
STEPS = (  # a step is a stage of dvc.yaml, a rule, a module with `run`, and a subcommand
    "download",
    "backbone",
    "prepare",
    "tokenize",
    "pretrain",
    "finetune",
    "evaluate",
    "embed",
    "export",
    "tables",
    "ensemble",
    "report",
    "figures",
)
PER_RUN = ("pretrain", "finetune", "evaluate")  # once per method and seed


def run(step: str, method: str | None = None, seed: int | None = None) -> None:
    """Run one step; fail if its sources change meanwhile, since DVC hashes them only when it ends."""
    before = files.digest_folder(PACKAGE)
    function = importlib.import_module(f"protomtl.{step}").run
    function(**arguments(function, method, seed))
    imported = {Path(file) for m in list(sys.modules.values()) if (file := getattr(m, "__file__", None))}
    for name, digest in before.items():
        path = PACKAGE / name
        if path in imported and (not path.exists() or files.sha256(path) != digest):
            raise SystemExit(f"{path}: changed while {step} ran; its result is not recorded, run it again")


def arguments(function: Any, method: str | None, seed: int | None) -> dict[str, Any]:
    """The arguments of a step's `run`, read from params.yaml and checked against their annotations."""
    given: dict[str, Any] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if name == "seed":
            given[name] = seed
        elif name == "method" and method is not None:
            given[name] = method
        elif name in ("pretrain", "finetune") and method is not None:
            given[name] = config.phase(config.PARAMS, name, method)
        else:
            given[name] = config.section(config.PARAMS, name, parameter.annotation)
    return given
