"""Which files of the package a module imports, directly or through others (lazy imports too), and their rooms."""

import ast
from functools import cache
from pathlib import Path

from protomtl.core import runner
from tests.support import ROOT

PACKAGE = ROOT / "src" / "protomtl"
INERT = PACKAGE / "__init__.py"  # lazy names of the public interface: proved to hold nothing else


def file_of(name: str) -> Path | None:
    """The file of a dotted name below the package, "" for the package itself; None if it is no module."""
    base = PACKAGE.joinpath(*name.split(".")) if name else PACKAGE
    found = (base / "__init__.py", base.with_suffix(".py"))
    return next((path for path in found if path.is_file()), None)


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


@cache
def direct(path: Path) -> set[Path]:
    """The package's files that one of them imports anywhere in its text, with the `__init__` of every folder above.

    A name that is no module counts as the file that it is imported from.
    """
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "protomtl":
            above = str(node.module).partition(".")[2]
            names |= {f"{above}.{alias.name}".lstrip(".") for alias in node.names} | {above}
        elif isinstance(node, ast.Import):
            names |= {a.name.partition(".")[2] for a in node.names if a.name.partition(".")[0] == "protomtl"}
    names |= {name.rpartition(".")[0] for name in names} | {name_of(path).rpartition(".")[0]}
    return {found for name in names if (found := file_of(name))}


def closure(path: Path) -> set[Path]:
    """The file and all that it imports, directly or not; the package's own inert `__init__` aside."""
    seen: set[Path] = set()
    todo = {path}
    while todo:
        found = todo.pop()
        seen.add(found)
        todo |= direct(found) - seen - {INERT}
    return seen


def room(path: Path) -> str:
    """The unit of re-running that a file belongs to: a folder or file of the package, or an entry of steps/."""
    parts = path.relative_to(ROOT).parts
    return "/".join(parts[:4] if parts[2] == "steps" else parts[:3])


def rooms_of_step(step: str) -> set[str]:
    """The rooms that decide what a step does."""
    return {room(path) for path in closure(runner.source(step)) | closure(PACKAGE / "core/runner.py")}


def parameters_of_step(step: str) -> set[str]:
    """The parameters of a step's `run` as its text has them: to import all steps takes seconds."""
    body = ast.parse(runner.source(step).read_text(encoding="utf-8")).body
    (run,) = (node for node in body if isinstance(node, ast.FunctionDef) and node.name == "run")
    assert not run.decorator_list and not (run.args.vararg or run.args.kwarg), step
    return {argument.arg for argument in (*run.args.posonlyargs, *run.args.args, *run.args.kwonlyargs)}
