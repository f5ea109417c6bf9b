"""What a process imports before it begins: each job is one, and torch alone takes longer than most of them work."""

import subprocess
import sys

import pytest

from protomtl.core import runner
from tests.support.imports import name_of

# Of the others only some jobs of `pretrain` need torch.
COMPUTING = {"embed", "evaluate", "export", "finetune", "stress"}
LIGHT = set(runner.steps()) - COMPUTING
LARGE = {"torch", "transformers", "sklearn"}
# transformers is for encoders of other forms than the plain BERT; torch's compiler is for nobody; UMAP compiles itself.
SLOW = {"transformers", "torch._dynamo", "sympy", "umap", "numba", "pynndescent"}


def modules_of(steps: set[str]) -> list[str]:
    return [f"protomtl.{name_of(runner.source(step))}" for step in sorted(steps)]


@pytest.fixture(scope="module")
def loaded() -> tuple[set[str], set[str]]:
    """What a process has loaded after the imports of the steps that compute nothing, and then of the others too."""
    first = ["protomtl.cli", "protomtl.params", "protomtl.commands.init", *modules_of(LIGHT)]
    code = "\n".join(
        f"import {', '.join(modules)}; print(*sys.modules)" for modules in (["sys", *first], modules_of(COMPUTING))
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    light, all_of_them = said.splitlines()
    return {*light.split()}, {*all_of_them.split()}


def test_steps_that_compute_nothing_and_init_start_without_large_libraries(loaded: tuple[set[str], set[str]]) -> None:
    assert {"collect", "tables", "ensemble", "figures", "report", "pretrain"} <= LIGHT
    assert {"protomtl.steps.collect", "protomtl.commands.init"} <= loaded[0]
    assert not loaded[0] & LARGE


def test_steps_that_compute_start_without_what_most_of_them_never_need(loaded: tuple[set[str], set[str]]) -> None:
    assert {"protomtl.steps.finetune.step", "torch"} <= loaded[1]
    assert not loaded[1] & SLOW


def test_each_job_checks_params_yaml_without_what_computes() -> None:
    code = "import sys, protomtl.cli, protomtl.params; print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "protomtl.analysis.settings" in said
    assert not {*said} & {*LARGE, "pandas", "scipy"}
