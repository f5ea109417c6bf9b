"""Running one step: it sees the sections of params.yaml that its signature names, and no others."""

import importlib
import inspect
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import NoneType
from typing import Any, get_args

from protomtl.core import files, sections

PACKAGE = Path(__file__).parents[1]
PHASES = ("pretrain", "finetune")  # sections that a method overrides
ENTRIES = ("__init__.py", "__main__.py", "cli.py", "faults.py")  # what starts a step; no stage depends on it


@cache
def steps() -> tuple[str, ...]:
    """All steps: the entries of the folder steps/, a module each or a package with the module `step`."""
    return tuple(sorted(path.stem for path in (PACKAGE / "steps").glob("[!_.]*")))


def source(step: str) -> Path:
    """The file of a step's `run`. SystemExit for what is no step."""
    folder = PACKAGE / "steps"
    for path in (folder / f"{step}.py", folder / step / "step.py"):
        if path.is_file():
            return path
    raise SystemExit(f"{step}: no such step; there are {', '.join(steps())}")


def module(step: str) -> Any:
    """The module that has a step's `run`."""
    path = source(step).relative_to(PACKAGE).with_suffix("")
    return importlib.import_module(".".join(("protomtl", *path.parts)))


def per_run(step: str) -> bool:
    """Whether a step is run once for each method and seed: its `run` takes both."""
    return " method: str," in signature(step)


def defines(step: str, function: str) -> bool:
    """Whether a step's module has a function, by its text: what is imported before `run` is not held to its source."""
    return f"\ndef {function}(" in source(step).read_text(encoding="utf-8")


def signature(step: str) -> str:
    """The parameters of a step's `run` as they stand in its text: to know them needs no import."""
    text = source(step).read_text(encoding="utf-8").partition("\ndef run(")[2].partition(") ->")[0]
    return " " + " ".join(text.split()) + ","


def run(
    step: str, method: str | None = None, seed: int | None = None, ready: Callable[[], None] = lambda: None
) -> None:
    """Run one step; fail if its sources change meanwhile, since DVC hashes them only when it ends.

    ready: called when its modules are imported, before its work.
    """
    before = files.digest_folder(PACKAGE)
    called = module(step).run
    ready()
    called(**arguments(called, method, seed))
    ours = [m for name, m in [*sys.modules.items()] if name.startswith("protomtl")]  # of thousands
    imported = {Path(file) for m in ours if (file := getattr(m, "__file__", None))}
    for name, digest in before.items():
        path = PACKAGE / name
        if name not in ENTRIES and path in imported and (not path.exists() or files.sha256(path) != digest):
            raise SystemExit(f"{path}: changed while {step} ran; its result is not recorded, run it again")


def arguments(called: Any, method: str | None, seed: int | None) -> dict[str, Any]:
    """The arguments of a step's `run`, read from params.yaml and checked against their annotations."""
    from protomtl.core.yaml_reader import read_yaml  # of the pipeline, as its libraries are

    given: dict[str, Any] = {}
    content = read_yaml(sections.PARAMS)
    for name, parameter in inspect.signature(called).parameters.items():
        if name == "seed":
            given[name] = seed
        elif name == "method" and method is not None:
            given[name] = method
        elif name in PHASES and method is not None:
            given[name] = sections.phase_settings(content, name, not_none(parameter.annotation), method)
        else:
            given[name] = sections.section(content, name, parameter.annotation)
    return given


def not_none(annotation: Any) -> Any:
    """X of `X | None`."""
    return next((kind for kind in get_args(annotation) if kind is not NoneType), annotation)
