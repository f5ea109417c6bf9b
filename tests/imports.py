"""Which modules of the package a module imports, directly or through others (lazy imports too)."""

import ast
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "src" / "protomtl"


def direct(module: str) -> set[str]:
    """Names of the package's modules that one module imports anywhere in its text."""
    found = set()
    for node in ast.walk(ast.parse((PACKAGE / f"{module}.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "protomtl":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("protomtl."):
            found.add(node.module.removeprefix("protomtl."))
        elif isinstance(node, ast.Import):
            found |= {a.name.removeprefix("protomtl.") for a in node.names if a.name.startswith("protomtl.")}
    return {name for name in found if (PACKAGE / f"{name}.py").exists()}


def closure(module: str) -> set[str]:
    """The module and all that it imports."""
    seen, todo = set(), {module}
    while todo:
        name = todo.pop()
        seen.add(name)
        todo |= direct(name) - seen
    return seen
