"""What a process imports before it begins: each job is one, and torch alone takes longer than most of them work."""

import subprocess
import sys

from protomtl.core import runner
from tests.support.imports import name_of

COMPUTING = {
    "embed",
    "evaluate",
    "export",
    "finetune",
    "stress",
}  # of the others only some jobs of `pretrain` need torch
LARGE = {"torch", "transformers", "sklearn"}
# transformers is for encoders of other forms than the plain BERT; torch's compiler is for nobody; UMAP compiles itself.
SLOW = {"transformers", "torch._dynamo", "sympy", "umap", "numba", "pynndescent"}


def imported(modules: list[str]) -> set[str]:
    """What a process has loaded after these imports."""
    code = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def modules_of(steps: set[str]) -> list[str]:
    return [f"protomtl.{name_of(runner.source(step))}" for step in sorted(steps)]


def test_steps_that_compute_nothing_and_init_start_without_large_libraries() -> None:
    light = set(runner.steps()) - COMPUTING
    assert {"collect", "tables", "ensemble", "figures", "report", "pretrain"} <= light
    assert not imported(["protomtl.cli", "protomtl.params", "protomtl.commands.init", *modules_of(light)]) & LARGE


def test_steps_that_compute_start_without_what_most_of_them_never_need() -> None:
    assert not imported(["protomtl.cli", "protomtl.params", *modules_of(COMPUTING)]) & SLOW
