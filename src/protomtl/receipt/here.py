"""The run that is here: its settings, what made it, and the digests of what it made."""

import hashlib
import subprocess
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

from protomtl.analysis.predictions import read_task
from protomtl.core.files import MENDS, read_json, read_record, sha256
from protomtl.core.paths import KEPT, results
from protomtl.core.runs import Run, predictions_file, runs_of
from protomtl.core.settings import HELD_OUT
from protomtl.params import Params
from protomtl.receipt.changed import NEUTRAL
from protomtl.training import timing
from protomtl.verification import LOCK

TRAINED = ("pretrain", "finetune", "curves/train", "curves/dev")  # what both trainings write
CURVES = ("train.csv", "curve.csv")
UNKNOWN = "not recorded"


def settings(params: Params) -> dict[str, Any]:
    """What all parts of a kept run must have in common; what is as in NEUTRAL is not said."""
    beside = {
        "worsened": params.data.worsened.model_dump() if params.data.worsened.active else None,
        "split_seed": params.data.split_seed if params.data.source == "starter" else None,  # others have their splits
    }
    return {
        "data": params.data.source,
        "rows": params.data.max_train_rows,
        "backbone": params.backbone.label,
        "pretrain": params.pretrain.model_dump(),
        "finetune": params.finetune.model_dump(),
        "methods": {name: params.method[name].model_dump(mode="json", exclude_unset=True) for name in params.methods},
        "joined": {n: row.model_dump() for n, row in params.joined.items() if set(row.parts) <= set(params.methods)},
        "tasks": {name: task.model_dump(mode="json", exclude_unset=True) for name, task in params.tasks.items()},
    } | {name: value for name, value in beside.items() if value not in (None, NEUTRAL[name])}


def part(params: Params, methods: list[str], seeds: list[int]) -> dict[str, Any]:
    """Seeds and what made them: commit, files that were not as it has them (documents make no result), machine."""
    runs = runs_of(methods, seeds)
    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", f":(exclude){KEPT.parent}")
    return {
        "seeds": seeds,
        "commit": git("rev-parse", "HEAD") or UNKNOWN,
        "changed": sorted(line[3:] for line in changed.splitlines()),
        "dvc_lock": hashlib.sha256(LOCK.read_bytes()).hexdigest() if LOCK.exists() else UNKNOWN,
        "machines": distinct(machine(run) for run in runs),
        "versions": distinct(read_record(results("finetune", *run) / "versions.json") for run in runs),
    }


def machine(run: Run) -> dict[str, Any]:
    """What trained a run, in which precision; the machine is known where this folder trained it."""
    config = read_record(results("finetune", *run) / "config.json")
    resolved = {"precision": config["resolved"]["precision"], "device": config["resolved"]["device"]}
    compute = {f"compute.{name}": config["compute"][name] for name in ("threads", "processes")}
    trained_on: dict[str, Any] = timing.known("finetune", *run).get("machine", {})
    return trained_on | resolved | compute


def distinct(found: Iterator[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each once, in order."""
    kept: list[dict[str, Any]] = []
    for one in found:
        if one not in kept:
            kept.append(one)
    return kept


def digests(run: Run) -> dict[str, str]:
    """SHA-256 of the weights and curves of both trainings by their paths: records and versions are told apart."""
    files = [path for stage in TRAINED for path in sorted(results(stage, *run).rglob("*"))]
    return {path.as_posix(): sha256(path) for path in files if path.suffix == ".safetensors" or path.name in CURVES}


def git(*command: str) -> str:
    """What git prints; nothing where it says no, as where this is no checkout."""
    try:
        return called("git", *command)
    except (OSError, subprocess.CalledProcessError):
        return ""


def check_git() -> None:
    """SystemExit where git does not know this folder, with what it says."""
    try:
        called("git", "rev-parse", "HEAD")
    except OSError as error:
        raise SystemExit(f"git: {error.strerror}; a run is kept with its commit") from None
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"git rev-parse: {' '.join(error.stderr.split())}; a run is kept with its commit") from None


def called(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.rstrip()


def refuse_damaged(runs: Sequence[Run], tasks: Sequence[str]) -> None:
    """SystemExit for figures or predictions that are damaged, for predictions that are missing though their figure is
    there, and where the records of the training are missing."""
    for run, name in product(runs, ("config.json", "versions.json")):
        if not (path := results("finetune", *run) / name).exists():
            raise SystemExit(f"{path}: not there; {MENDS}")
    for run, split in product(runs, HELD_OUT):
        path = results("evaluate", *run) / "metrics.json"
        figures = read_json(path)
        if not isinstance(figures, dict) or not isinstance(figures.get(split), dict):
            raise SystemExit(f"{path}: damaged, no figures of {split}; {MENDS}")
        for name in tasks:
            path = predictions_file(run, split, name)
            if not path.exists() and name in figures[split]:
                raise SystemExit(f"{path}: not there; {MENDS}")
            read_task([run], split, name)
