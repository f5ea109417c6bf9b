"""Command `keep`: keep the figures of the finished run in docs/runs/NAME; new seeds join those there.

A run may be kept in parts, each computed on another day or machine: a part brings its seeds, and the tables are made
again of the predictions of all seeds. `--again` makes them of what is kept alone, when the statistics have changed.
"""

import argparse
import re
import shutil
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd

from protomtl.analysis.predictions import read_task, side_by_side
from protomtl.analysis.settings import Margin
from protomtl.core.files import atomic, read_record, write_csv, write_json
from protomtl.core.paths import CURRENT, KEPT, results
from protomtl.core.runs import Run, runs_of
from protomtl.core.sections import argument
from protomtl.core.users_files import BadPath, users_folder
from protomtl.params import Params, load
from protomtl.publishing.curves import CURVES, dev_curve
from protomtl.publishing.kept import BARS, DIFFERENCES, ENSEMBLE, RECORDS, REPORTED, SPACE, kept_as
from protomtl.receipt import here, kept, trained
from protomtl.receipt.changed import NEUTRAL
from protomtl.receipt.here import settings
from protomtl.receipt.kept import CHECKPOINTS, DIGESTS, KEY, MARGIN, PREDICTIONS
from protomtl.steps.tables.build import SPLITS
from protomtl.tasks.settings import main_tasks
from protomtl.verification import LOCK, recorded_stages

EMBEDDED = (SPACE, results("embed") / "figure1.png")
RECORDED = ("steps", "best_epoch")
ABOUT = "about.json"
NEXT = "`python -m protomtl findings` writes the pages of what is kept"
OURS = (ABOUT, "tables-*.csv", BARS, DIFFERENCES, *map(kept_as, (ENSEMBLE, *EMBEDDED, *REPORTED)))
OURS_OF_A_SEED = (PREDICTIONS, RECORDS, CHECKPOINTS, DIGESTS, CURVES)


def arguments(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("name", metavar="NAME", type=name_of_run, help="a name for the run, such as its data")
    add("--again", action="store_true", help="only make the tables of this kept run again")
    add(
        "--margin",
        type=argument(Margin),
        help="difference of overall up to which another run counts as equivalent: state it before there is one "
        f"(default: what NAME has, else {MARGIN})",
    )
    aside = "no part of the page of findings: for receipts, and tables of other pages"
    add("--no-findings", action="store_true", help=aside)


def name_of_run(text: str) -> str:
    """A name that is a folder in docs/runs, and no other one: what is there is replaced."""
    if not re.fullmatch(r"\w[\w.-]*", text, re.ASCII) or text == CURRENT.name:
        raise argparse.ArgumentTypeError(
            f"{text!r}: letters, digits, dots, dashes and underscores make a name here; not {CURRENT.name}"
        )
    return text


def run(args: argparse.Namespace) -> None:
    if args.again:
        again(args.name)
    else:
        try:
            keep(args.name, args.margin, not args.no_findings)
        except BadPath as error:
            raise SystemExit(f"protomtl keep: {error}") from None


def again(name: str) -> None:
    """Make the tables of docs/runs/NAME again of the predictions that it keeps, with the margin of params.yaml. Methods
    are compared with those that they were compared with, and with those of `compare`."""
    folder, params = kept.find(name), load()
    with kept.as_kept(folder):
        seeds = kept.seeds_of(read_record(folder / ABOUT)["parts"])
    for seed in seeds:
        if not (path := folder / f"seed{seed}" / PREDICTIONS).exists():
            raise SystemExit(f"{path}: not there; the predictions of this run were not kept, so its tables stay")
    compare = list(dict.fromkeys([*kept.references(folder), *params.compare]))
    make_tables(params, folder, kept.rows(folder), compare)
    print(f"{folder}: tables made again; {NEXT}")


def keep(name: str, margin: float | None = None, findings: bool = True) -> None:
    """Keep the results that are here as docs/runs/NAME; of seeds that it has already, these take the place.

    about.json: data, budgets and recipes, and for each part its seeds and commit; the tables; and for each seed
    every prediction, the metrics, the digest of every output (checkpoints.csv, for DVC) and of every file of weights
    or curves (digests.csv); of the seeds kept last the ensemble, and, if they are of this run, Figure 1 and what the
    report says of stress. What else is in the folder stays. Results of other settings than params.yaml has, or than
    NAME has, are an error, and so is an ensemble of other runs.
    """
    params = load()
    runs = runs_of(params.methods, params.seeds)
    records = [results("finetune", *run) / "config.json" for run in runs]
    for path in (results("tables") / "table1.csv", ENSEMBLE, LOCK, *records):
        if not path.exists():
            raise SystemExit(f"{path}: not there; run `snakemake --cores 4 all` first")
    here.check_git()
    trained.check(params, runs)
    target = KEPT / name
    with kept.as_kept(target):
        older, stated = older_parts(target, params), margin_of(target)
        seeds_before = kept.seeds_of(older)
    about = settings(params) | {"parts": [*older, here.part(params, params.methods, params.seeds)]}
    about |= {"margin": margin or stated, "findings": findings}
    ours = (*OURS, *(f"{seed.name}/{name}" for seed in target.glob("seed*") for name in OURS_OF_A_SEED))
    with users_folder(target, ABOUT, ours) as part:
        part.mkdir()
        for seed in seeds_before:
            shutil.copytree(target / f"seed{seed}", part / f"seed{seed}")
        for seed in params.seeds:
            keep_seed(params, seed, part / f"seed{seed}")
        write_json(part / ABOUT, about)
        make_tables(params, part, params.methods, params.compare)
        for path in (ENSEMBLE, *beside(params)):
            shutil.copyfile(path, part / kept_as(path))
    print(f"{target}: kept; {NEXT}")


def beside(params: Params) -> list[Path]:
    """What is there of Figure 1 and of the report; with a word, nothing of what is not of this run."""
    found = []
    for paths, is_of_run in ((EMBEDDED, trained.embedded(params)), (REPORTED, trained.reported())):
        there = [path for path in paths if path.exists()]
        if there and not is_of_run:
            print(f"{there[0].parent}: not of this run, as {LOCK} has it; it is not kept")
        else:
            found += there
    return found


def older_parts(target: Path, params: Params) -> list[dict[str, Any]]:
    """The parts that are kept already, without the seeds that are kept now."""
    if not target.exists():
        return []
    path = target / ABOUT
    if not path.is_file():
        raise SystemExit(f"{target}: is there already and holds no kept run; choose another name")
    about = read_record(path)
    parts = [part | {"seeds": [s for s in part["seeds"] if s not in params.seeds]} for part in about["parts"]]
    parts = [part for part in parts if part["seeds"]]
    theirs = NEUTRAL | about
    for key, value in (NEUTRAL | settings(params)).items():
        if parts and theirs.get(key, value) != value:  # older runs do not say their tasks
            raise SystemExit(f"{path}: kept with other `{key}` than params.yaml has; keep this run under another name")
    return parts


def margin_of(target: Path) -> float:
    """What a kept run states."""
    path = target / ABOUT
    return float(read_record(path).get("margin", MARGIN)) if path.exists() else MARGIN


def keep_seed(params: Params, seed: int, folder: Path) -> None:
    """The predictions of all methods (a row an example, a column a method), their records and checkpoints."""
    folder.mkdir()
    runs = runs_of(params.methods, [seed])
    keys = product(SPLITS.values(), main_tasks(params.tasks))
    tables = {key: side_by_side(read_task(runs, *key), runs) for key in keys}
    whole = pd.concat(tables, names=KEY[:2])
    whole.columns = pd.Index(params.methods)
    records = {}
    for method, run in zip(params.methods, runs, strict=True):
        record = read_record(results("finetune", *run) / "config.json")
        records[method] = {key: record[key] for key in RECORDED} | {
            "epochs": record["finetune"]["epochs"],
            "metrics": read_record(results("evaluate", *run) / "metrics.json"),
        }
    whole.reset_index().to_parquet(folder / PREDICTIONS, compression="zstd", index=False)
    write_json(folder / RECORDS, records)
    write_csv(folder / CHECKPOINTS, checkpoints(params.methods, seed))
    files = {path: digest for method in params.methods for path, digest in here.digests(Run(method, seed)).items()}
    write_csv(folder / DIGESTS, [{"path": path, "sha256": digest} for path, digest in files.items()])
    write_csv(folder / CURVES, [point for method in params.methods for point in dev_curve(Run(method, seed))])


def checkpoints(methods: list[str], seed: int) -> list[dict[str, str]]:
    """Path and MD5, as dvc.lock has them, of every output of both trainings: what DVC can bring back.

    SystemExit where it knows none of them.
    """
    stages = recorded_stages()
    wanted = [f"{phase}@{method}-{seed}" for phase in ("finetune", "pretrain") for method in methods]
    if not (known := [name for name in wanted if name in stages]):
        raise SystemExit(f"{LOCK}: has no training of seed {seed}; run `snakemake --cores 4 all` first")
    return [{"path": out["path"], "md5": out["md5"]} for name in known for out in stages[name]["outs"]]


def make_tables(params: Params, folder: Path, order: list[str], compare: Sequence[str]) -> None:
    """Write tables and comparisons of all seeds in `folder`, of the predictions of them all; order: of the rows."""
    for name, table in kept.tables(folder, order, compare, params.margin, params.tasks).items():
        with atomic(folder / f"tables-{name}.csv") as part:
            table.to_csv(part, index=False, lineterminator="\n")
