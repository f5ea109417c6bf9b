"""Command `keep`: keep the figures of the finished run in docs/runs/NAME; new seeds join those there.

A run may be kept in parts, each computed on another day or machine: a part brings its seeds, and the tables are made
again of the predictions of all seeds.
"""

import argparse
import hashlib
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from protomtl.analysis.predictions import read_run, side_by_side
from protomtl.core.files import atomic, read_json, write_csv, write_json
from protomtl.core.paths import KEPT, results
from protomtl.core.runs import Run
from protomtl.core.yaml_reader import Loader
from protomtl.params import Params, load
from protomtl.steps.tables.build import SPLITS, Evaluated, build_tables
from protomtl.tasks.settings import main_tasks

LOCK = Path("dvc.lock")
ENSEMBLE = results("ensemble") / "metrics.json"
OTHERS = (ENSEMBLE, results("embed") / "space.json", results("embed") / "figure1.png")  # of the seeds kept last
PREDICTIONS, RECORDS = "predictions.parquet", "records.json"  # of one seed
KEY, RECORDED = ["split", "task", "id", "gold"], ("steps", "best_epoch")


def arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("name", help="a name for the run, such as its data")


def run(args: argparse.Namespace) -> None:
    keep(args.name)


def keep(name: str) -> None:
    """Keep the results that are here as docs/runs/NAME; of seeds that it has already, these take the place.

    about.json: data, budgets and recipes, and for each part its seeds and commit; the tables; and for each seed
    every prediction, the metrics, and the digest of every trained model (checkpoints.csv); Figure 1. A run of other
    settings is an error.
    """
    params = load()
    for path in (results("tables") / "table1.csv", ENSEMBLE, LOCK):
        if not path.exists():
            raise SystemExit(f"{path}: not there; run `snakemake --cores 4 all` first")
    target = KEPT / name
    about = settings(params) | {"parts": [*older_parts(target, params), this_part(params)]}
    with atomic(target) as part:
        part.mkdir()
        for seed in older_seeds(about):
            shutil.copytree(target / f"seed{seed}", part / f"seed{seed}")
        for seed in params.seeds:
            keep_seed(params, seed, part / f"seed{seed}")
        write_json(part / "about.json", about)
        make_tables(params, part)
        for path in OTHERS:
            if path.exists():
                shutil.copyfile(path, part / f"{path.parent.name}-{path.name}")
    print(f"{target}: kept; `python -m protomtl findings` writes the page of findings of all that is kept")


def settings(params: Params) -> dict[str, Any]:
    """What all parts of a run must have in common."""
    return {
        "data": params.data.source,
        "rows": params.data.max_train_rows,
        "backbone": params.backbone.label,
        "pretrain": params.pretrain.model_dump(),
        "finetune": params.finetune.model_dump(),
        "methods": {name: params.method[name].model_dump(mode="json", exclude_unset=True) for name in params.methods},
    }


def this_part(params: Params) -> dict[str, Any]:
    """The seeds and what made them: commit, and the files that were not as it has them (documents make no result)."""
    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", f":(exclude){KEPT.parent}")
    return {
        "seeds": params.seeds,
        "commit": git("rev-parse", "HEAD"),
        "changed": sorted(line[3:] for line in changed.splitlines()),
        "dvc_lock": hashlib.sha256(LOCK.read_bytes()).hexdigest(),
    }


def older_parts(target: Path, params: Params) -> list[dict[str, Any]]:
    """The parts that are kept already, without the seeds that are kept now."""
    if not target.exists():
        return []
    path = target / "about.json"
    about = read_json(path)
    parts = [part | {"seeds": [s for s in part["seeds"] if s not in params.seeds]} for part in about["parts"]]
    parts = [part for part in parts if part["seeds"]]
    for key, value in settings(params).items():
        if parts and about.get(key) != value:
            raise SystemExit(f"{path}: kept with other `{key}` than params.yaml has; keep this run under another name")
    return parts


def older_seeds(about: dict[str, Any]) -> list[int]:
    return [seed for part in about["parts"][:-1] for seed in part["seeds"]]


def keep_seed(params: Params, seed: int, folder: Path) -> None:
    """The predictions of all methods (a row an example, a column a method), their records and checkpoints."""
    folder.mkdir()
    columns, records = {}, {}
    for method in params.methods:
        run = Run(method, seed)
        columns[method] = pd.concat(
            {(split, task): read_run(run, split, task) for split, task in split_tasks(params)}, names=KEY[:2]
        )
        record = read_json(results("finetune", *run) / "config.json")
        records[method] = {key: record[key] for key in RECORDED} | {
            "epochs": record["finetune"]["epochs"],
            "metrics": read_json(results("evaluate", *run) / "metrics.json"),
        }
    whole = pd.DataFrame(columns)
    whole.reset_index().to_parquet(folder / PREDICTIONS, compression="zstd", index=False)
    write_json(folder / RECORDS, records)
    write_csv(folder / "checkpoints.csv", checkpoints(params.methods, seed))


def split_tasks(params: Params) -> list[tuple[str, str]]:
    return [(split, task) for split in SPLITS.values() for task in main_tasks(params.tasks)]


def checkpoints(methods: list[str], seed: int) -> list[dict[str, str]]:
    """Path and MD5, as dvc.lock has them, of every output of both trainings: what DVC can bring back.

    SystemExit where it knows none of them.
    """
    stages = yaml.load(LOCK.read_bytes(), Loader)["stages"]  # noqa: S506  # a safe one
    wanted = [f"{phase}@{method}-{seed}" for phase in ("finetune", "pretrain") for method in methods]
    if not (known := [name for name in wanted if name in stages]):
        raise SystemExit(f"{LOCK}: has no training of seed {seed}; run `snakemake --cores 4 all` first")
    return [{"path": out["path"], "md5": out["md5"]} for name in known for out in stages[name]["outs"]]


def make_tables(params: Params, folder: Path) -> None:
    """Write tables and comparisons of all seeds in `folder`, of the predictions of them all."""
    seeds = sorted(seed for part in read_json(folder / "about.json")["parts"] for seed in part["seeds"])
    about = {"backbone": params.backbone.label, "data": params.data.source}
    evaluated = read_kept(params.methods, {seed: folder / f"seed{seed}" for seed in seeds})
    tables = build_tables(evaluated, params.compare, params.method, main_tasks(params.tasks), about)
    for name, table in tables.items():
        table.to_csv(folder / f"tables-{name}.csv", index=False, lineterminator="\n")


def read_kept(methods: list[str], folders: Mapping[int, Path]) -> Evaluated:
    """What `keep_seed` wrote, of all seeds; folders: of each seed."""
    predicted = {seed: pd.read_parquet(folder / PREDICTIONS).set_index(KEY) for seed, folder in folders.items()}
    kept = {seed: read_json(folder / RECORDS) for seed, folder in folders.items()}
    runs = [Run(method, seed) for method in methods for seed in folders]
    names = next(iter(predicted.values())).index.to_frame(index=False)[KEY[:2]].drop_duplicates()
    predictions: dict[str, dict[str, pd.DataFrame]] = {}
    for split, task in names.itertuples(index=False):
        columns = {run: predicted[run.seed].loc[(split, task)][run.method] for run in runs}
        predictions.setdefault(split, {})[task] = side_by_side(columns)
    metrics = {run: kept[run.seed][run.method]["metrics"] for run in runs}
    records = {run: kept[run.seed][run.method] for run in runs}
    return Evaluated(
        predictions,
        metrics,
        {run: record | {"finetune": {"epochs": record["epochs"]}} for run, record in records.items()},
    )


def git(*command: str) -> str:
    """What git says. SystemExit where it says no."""
    done = subprocess.run(["git", *command], capture_output=True, text=True, check=False)  # noqa: S607
    if done.returncode:
        raise SystemExit(f"git {command[0]}: {' '.join(done.stderr.split())}; a run is kept with its commit")
    return done.stdout.rstrip()
