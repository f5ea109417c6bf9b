"""Edits of a project, and the stages that each of them is to run."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

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
    from ruamel.yaml import YAML

    block = YAML().load(project / "params.yaml")["method"][method]
    patch_params(project, {"method": {method: {**block, phase: values}}})


def back_dated_source(project: Path) -> None:
    append(f"{SOURCES}/steps/figures.py", "# edited\n")(project)
    os.utime(project / SOURCES / "steps/figures.py", (1e9, 1e9))


def touch_everything(project: Path) -> None:
    for folder in ("src", "data", "results", "workflow"):
        for path in (project / folder).rglob("*"):
            path.touch()
    for name in ("params.yaml", "dvc.yaml", "dvc.lock", "Snakefile"):
        (project / name).touch()


def outputs_by_hand(project: Path) -> None:
    (project / "results/evaluate/cosine/seed1/metrics.json").write_text("{}")
    (project / "results/finetune/prototypical/seed1/notes.txt").write_text("mine")
    append("data/raw/sts-train.csv", "9\tx\ta\tb\t1.0\n")(project)


def outputs_deleted(project: Path) -> None:
    shutil.rmtree(project / "results/pretrain/prototypical")
    shutil.rmtree(project / "data/tokens")
    (project / "results/curves/dev/cosine/seed1/curve.csv").unlink()


EDITS: dict[str, tuple[Edit, set[str]]] = {
    "a global parameter": (
        global_parameter,
        stages("finetune", "evaluate", "stress", "export", "collect", *RESULTS),
    ),
    "a parameter of one method": (
        parameter_of_one_method,
        stages("finetune", "evaluate", "stress", "collect", *RESULTS, methods=["cosine"]),
    ),
    "one pre-training recipe": (
        recipe_of_one_method,
        stages(*PER_RUN, "embed", "export", "collect", *RESULTS, methods=["prototypical"]),
    ),
    "the shares of noise": (
        parameters(perturb={"noise": [0.2]}),
        stages("perturb", "stress", "collect", "report"),
    ),
    "a method added": (
        parameters(methods=[*METHODS, "concat"]),
        stages(*PER_RUN, "collect", *RESULTS, methods=["concat"]),
    ),
    "the source of one stage": (append(f"{SOURCES}/steps/embed/step.py", "# edited\n"), stages("embed")),
    "a shared module, its results the same": (
        append(f"{SOURCES}/seeds.py", "# edited\n"),
        stages(*PER_RUN, "prepare", "perturb", "embed", "export", "tables", "report"),
    ),
    "a back-dated source": (back_dated_source, stages("figures")),
    "raw data": (
        append("data/own/sts-train.csv", "900\tnew\tthe cat runs\tthe dog runs\t2.0\n"),
        stages(*PER_RUN, *ONCE) - {"backbone"},
    ),
    "a touch of everything": (touch_everything, set()),
    "outputs edited by hand": (outputs_by_hand, set()),
    "outputs deleted": (outputs_deleted, set()),
}
