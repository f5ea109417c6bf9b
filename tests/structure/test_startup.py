"""What a process imports before it begins: each job is one, and torch alone takes longer than most of them work."""

import subprocess
import sys

import pytest

from protomtl.core import runner
from tests.support.imports import name_of

# Of the others only some jobs of `pretrain` need torch.
COMPUTING = {"embed", "evaluate", "export", "finetune", "stress"}
LIGHT = set(runner.steps()) - COMPUTING
DRAWING = {"embed", "export"}  # t-SNE is scikit-learn's, which imports scipy.stats
LARGE = {"torch", "transformers", "sklearn", "scipy.stats"}
# transformers is for encoders of other forms than the plain BERT; torch's compiler is for nobody; UMAP compiles itself.
SLOW = {"transformers", "torch._dynamo", "sympy", "umap", "numba", "pynndescent"}


def modules_of(steps: set[str]) -> list[str]:
    return [f"protomtl.{name_of(runner.source(step))}" for step in sorted(steps)]


@pytest.fixture(scope="module")
def loaded() -> list[set[str]]:
    """What a process has loaded after the imports of the steps that compute nothing, then of those that compute and
    draw no map, and then of all."""
    first = ["protomtl.cli", "protomtl.params", "protomtl.commands.init", *modules_of(LIGHT)]
    groups = (["sys", *first], modules_of(COMPUTING - DRAWING), modules_of(DRAWING))
    code = "\n".join(f"import {', '.join(modules)}; print(*sys.modules)" for modules in groups)
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    return [{*line.split()} for line in said.splitlines()]


def test_steps_that_compute_nothing_and_init_start_without_large_libraries(loaded: list[set[str]]) -> None:
    assert {"collect", "tables", "ensemble", "figures", "report", "pretrain"} <= LIGHT
    assert {"protomtl.steps.collect", "protomtl.commands.init"} <= loaded[0]
    assert not loaded[0] & LARGE


def test_steps_that_compute_start_without_what_most_of_them_never_need(loaded: list[set[str]]) -> None:
    assert {"protomtl.steps.finetune.step", "torch"} <= loaded[1]
    assert not loaded[1] & {"sklearn", "scipy.stats"}
    assert "protomtl.steps.embed.step" in loaded[2]
    assert not loaded[2] & SLOW


def test_each_job_checks_params_yaml_without_what_computes() -> None:
    code = "import sys, protomtl.cli, protomtl.params; print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "protomtl.analysis.settings" in said
    assert not {*said} & {*LARGE, "pandas", "scipy"}
