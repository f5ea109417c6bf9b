"""Finished runs kept for good in docs/runs, small enough for git; the page of findings is made of them.

A run may be kept in parts, each computed on another day or machine: a part brings its seeds, and the tables are made
again of the predictions of all seeds.
"""

import contextlib
import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from protomtl import config, tables
from protomtl.files import atomic, read_json, write_csv, write_json
from protomtl.paths import EMBED, ENSEMBLE, EVALUATE, FINETUNE, RUNS, TABLES, run_folder
from protomtl.schema import Params

LOCK = Path("dvc.lock")
TABLE_FILES = [TABLES / f"{name}.csv" for name in ("table1", "table2", "comparisons")]
OTHERS = (ENSEMBLE / "metrics.json", EMBED / "space.json", EMBED / "figure1.png")  # of the seeds that were kept last
PREDICTIONS, RECORDS = "predictions.parquet", "records.json"  # of one seed
KEY, RECORDED = ["split", "task", "id", "gold"], ("steps", "best_epoch")


def keep(name: str) -> None:
    """Keep the results that are here as docs/runs/NAME; of seeds that it has already, these take the place.

    about.json: data, budgets and recipes, and for each part its seeds and commit; the tables; and for each seed
    every prediction, the metrics, and the digest of every trained model (checkpoints.csv); Figure 1. A run of other
    settings is an error.
    """
    params = config.load()
    for path in (*TABLE_FILES, *OTHERS[:1]):
        if not path.exists():
            raise SystemExit(f"{path}: not there; run `snakemake --cores 4 all` first")
    target = RUNS / name
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
    print(f"{target}: kept; `python -m protomtl findings` writes docs/findings.md of all that is kept")


def settings(params: Params) -> dict[str, Any]:
    """What all parts of a run must have in common."""
    return {
        "data": params.data.source,
        "rows": params.data.max_train_rows,
        "backbone": params.backbone.name,
        "pretrain": params.pretrain.model_dump(),
        "finetune": params.finetune.model_dump(),
        "methods": {name: params.method[name].model_dump(mode="json", exclude_unset=True) for name in params.methods},
    }


def this_part(params: Params) -> dict[str, Any]:
    """The seeds and what made them: commit, and the files that were not as it has them (documents make no result)."""
    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", f":(exclude){RUNS.parent}")
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
        columns[method] = pd.concat(
            {(split, task): read_predictions(method, seed, split, task) for split, task in split_tasks(params)},
            names=KEY[:2],
        )
        config_ = read_json(run_folder(FINETUNE, method, seed) / "config.json")
        records[method] = {key: config_[key] for key in RECORDED} | {
            "epochs": config_["finetune"]["epochs"],
            "metrics": read_json(run_folder(EVALUATE, method, seed) / "metrics.json"),
        }
    whole = pd.DataFrame(columns)
    whole.reset_index().to_parquet(folder / PREDICTIONS, compression="zstd", index=False)
    write_json(folder / RECORDS, records)
    write_csv(folder / "checkpoints.csv", checkpoints(params.methods, seed))


def split_tasks(params: Params) -> list[tuple[str, str]]:
    return [(split, task) for split in ("dev", "test") for task in config.main_tasks(params.tasks)]


def read_predictions(method: str, seed: int, split: str, task: str) -> pd.Series:
    path = run_folder(EVALUATE, method, seed) / split / f"{task}.csv"
    table = pd.read_csv(path, usecols=["id", "gold", "prediction"], dtype={"id": str})
    return table.set_index(["id", "gold"])["prediction"].astype(float)


def checkpoints(methods: list[str], seed: int) -> list[dict[str, str]]:
    """Path and MD5, as dvc.lock has them, of every output of both trainings: what DVC can bring back."""
    stages = config.read_yaml(LOCK)["stages"]
    wanted = [f"{phase}@{method}-{seed}" for phase in ("finetune", "pretrain") for method in methods]
    return [
        {"path": out["path"], "md5": out["md5"]} for name in wanted if name in stages for out in stages[name]["outs"]
    ]


def make_tables(params: Params, folder: Path) -> None:
    """Write tables and comparisons of all seeds in `folder`, by step `tables` on the predictions of them all."""
    folder = folder.resolve()
    seeds = sorted(seed for part in read_json(folder / "about.json")["parts"] for seed in part["seeds"])
    with tempfile.TemporaryDirectory() as scratch, contextlib.chdir(scratch):
        for seed in seeds:
            lay_out(folder / f"seed{seed}", seed)
        with contextlib.redirect_stdout(None):
            tables.run(params.methods, seeds, params.compare, params.method, params.tasks, params.data, params.backbone)
        for path in TABLE_FILES:
            shutil.copyfile(path, folder / f"{path.parent.name}-{path.name}")


def lay_out(kept: Path, seed: int) -> None:
    """Write in the current folder, of the results of one seed, what step `tables` reads."""
    predicted = pd.read_parquet(kept / PREDICTIONS)
    for method, record in read_json(kept / RECORDS).items():
        evaluated, trained = run_folder(EVALUATE, method, seed), run_folder(FINETUNE, method, seed)
        for split, task in predicted[KEY[:2]].drop_duplicates().itertuples(index=False):
            rows = predicted[(predicted["split"] == split) & (predicted["task"] == task)]
            (evaluated / split).mkdir(parents=True, exist_ok=True)
            table = rows[["id", "gold", method]].rename(columns={method: "prediction"})
            table.to_csv(evaluated / split / f"{task}.csv", index=False)
        write_json(evaluated / "metrics.json", record["metrics"])
        trained.mkdir(parents=True)
        write_json(
            trained / "config.json",
            {key: record[key] for key in RECORDED} | {"finetune": {"epochs": record["epochs"]}},
        )


def git(*command: str) -> str:
    return subprocess.run(["git", *command], capture_output=True, text=True, check=True).stdout.rstrip()  # noqa: S607
