"""Edits of a project, the stages that each makes out of date, and those that run for it."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from protomtl.core.yaml_reader import read_yaml
from tests.support.engines import METHODS, ONCE, PER_RUN, stages
from tests.support.makers import patch_params

Edit = Callable[[Path], None]
SOURCES = "src/protomtl"
RESULTS = ("tables", "ensemble", "report", "figures")  # what new figures of a run are made into


def parameters(**patch: object) -> Edit:
    return lambda project: patch_params(project, patch)


def append(path: str, text: str) -> Edit:
    def edit(project: Path) -> None:
        with (project / path).open("a") as file:
            file.write(text)

    return edit


def global_parameter(project: Path) -> None:
    patch_params(project, {"finetune": {"lr": 0.01}})


def recipe_of_one_method(project: Path) -> None:
    change_block(project, "prototypical", "pretrain", {"pair_encoding": "concat", "lr": 0.01})


def parameter_of_one_method(project: Path) -> None:
    change_block(project, "cosine", "finetune", {"similarity": "cosine", "lr": 0.01})


def change_block(project: Path, method: str, phase: str, values: dict[str, object]) -> None:
    block = read_yaml(project / "params.yaml")["method"][method]
    patch_params(project, {"method": {method: {**block, phase: values}}})


def two_sources(project: Path) -> None:
    """One of them looks older than anything here."""
    append(f"{SOURCES}/steps/ensemble.py", "# edited\n")(project)
    append(f"{SOURCES}/steps/figures.py", "# edited\n")(project)
    os.utime(project / SOURCES / "steps/figures.py", (1e9, 1e9))


def touch_everything(project: Path) -> None:
    """And have an editor open."""
    for folder in ("src", "data", "results", "workflow"):
        for path in (project / folder).rglob("*"):
            path.touch()
    for name in ("params.yaml", "dvc.yaml", "dvc.lock", "Snakefile"):
        (project / name).touch()
    for name in (".files.py.swp", "files.py~", "#files.py#"):
        (project / SOURCES / "core" / name).touch()


def damage_outputs(project: Path) -> None:
    """Some are edited by hand, some deleted."""
    (project / "results/evaluate/cosine/seed1/metrics.json").write_text("{}")
    (project / "results/finetune/prototypical/seed1/notes.txt").write_text("mine")
    append("data/raw/sts-train.csv", "9\tx\ta\tb\t1.0\n")(project)
    shutil.rmtree(project / "results/pretrain/prototypical")
    shutil.rmtree(project / "data/tokens")
    (project / "results/curves/dev/cosine/seed1/curve.csv").unlink()


new_row = append("data/own/sts-train.csv", "900\tnew\tthe cat runs\tthe dog runs\t2.0\n")
BLOCK = stages("tables", "report", "figures")  # these read the blocks of all methods

EDITS: dict[str, tuple[Edit, set[str], set[str]]] = {  # the edit, what it makes out of date, and what is planned for it
    "a global parameter": (
        global_parameter,
        stages("finetune"),
        stages("finetune", "evaluate", "stress", "export", "collect", *RESULTS),
    ),
    "a parameter of one method": (
        parameter_of_one_method,
        stages("finetune", methods=["cosine"]) | BLOCK,
        stages("finetune", "evaluate", "stress", "collect", *RESULTS, methods=["cosine"]),
    ),
    "one pre-training recipe": (
        recipe_of_one_method,
        stages("pretrain", methods=["prototypical"]) | BLOCK,
        stages(*PER_RUN, "embed", "export", "collect", *RESULTS, methods=["prototypical"]),
    ),
    "the shares of noise": (
        parameters(perturb={"noise": [0.2]}),
        {"perturb"},
        stages("perturb", "stress", "collect", *RESULTS),
    ),
    "a method added": (
        parameters(methods=[*METHODS, "concat"]),
        stages(*PER_RUN, "collect", methods=["concat"]),
        stages(*PER_RUN, "collect", *RESULTS, methods=["concat"]),
    ),
    "raw data": (new_row, {"download"}, stages(*PER_RUN, *ONCE) - {"backbone"}),
    "two sources, one of them back-dated": (two_sources, {"ensemble", "figures"}, {"ensemble", "figures"}),
    "a touch of everything": (touch_everything, set(), set()),
}

# What runs for it: all that is planned, or less where results stay the same.
RUNS: dict[str, set[str]] = {
    "a parameter of one method": EDITS["a parameter of one method"][2],
    "two sources, one of them back-dated": EDITS["two sources, one of them back-dated"][2],
    "the shares of noise": stages("perturb", "stress", "collect", "report"),  # no other run is listed
}
