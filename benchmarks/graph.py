"""Planning a finished project of 300 to 10,000 stages, in Snakemake and in DVC, and what one job costs there.

    python -m benchmarks.graph [STAGES...]

The graph is the project's own, with more seeds; the commands only make their folders. Results are written and recorded
at once, not stage by stage. Figures go to benchmarks/results/graph.json and benchmarks/results/graph.png.
"""

import contextlib
import io
import json
import math
import os
import sys
import tempfile
import time
from itertools import chain
from pathlib import Path
from typing import Any

import yaml
from dvc.repo import Repo
from dvc.stage.serialize import to_lockfile
from ruamel.yaml import YAML

from benchmarks import measure, options, picture
from benchmarks.measure import RESULTS
from protomtl import params
from protomtl.core import runner
from protomtl.core.files import write_json
from protomtl.core.markdown import markdown_table
from tests.support import ROOT
from tests.support.makers import clone, patch_params

SIZES = (300, 1_000, 3_000, 10_000)
FILE = "tokens.json"  # all that a folder of results holds here; other stages depend on the one of data/tokens
LIMIT = 1800  # seconds of one command
RUN = "evaluate@unfrozen-1"
COMMANDS = {
    "snakemake": ("snakemake", "-n", "all"),
    "dvc": ("dvc", "status"),
    "job": ("dvc", "repro", "--single-item", "--force", RUN),
}
DONE = {"snakemake": "Nothing to be done", "dvc": "up to date", "job": "Running stage"}
Row = dict[str, Any]


def main(sizes: list[int]) -> None:
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as scratch:
        methods = params.load(ROOT / "params.yaml").methods
        project = clone(Path(scratch) / "p", {"data": {"source": "folder"}})
        trivial(project / "dvc.yaml")
        os.chdir(project)
        lock: Row = {}
        for size in sizes:
            seeds = round(size / len(methods) / sum(map(runner.per_run, runner.steps())))
            patch_params(project, {"seeds": list(range(1, seeds + 1))})
            begin = time.perf_counter()
            row = finish(project, lock)
            print(f"{row}, made in {time.perf_counter() - begin:.0f} s", flush=True)
            for name, command in COMMANDS.items():
                row[name], said = measure.command(*command, folder=project, limit=LIMIT)
                assert DONE[name] in said or "unfinished" in row[name], said
                print(f"  {name:10} {row[name]}", flush=True)
            rows.append(row)
            write_json(RESULTS / "graph.json", rows)
    picture.growth(rows, {name: " ".join(words) for name, words in COMMANDS.items()}, RESULTS / "graph.png")
    print(table(rows))


def trivial(path: Path) -> None:
    """Commands that make their folders and nothing else; the graph stays as it is."""
    writer = YAML()
    content = writer.load(path)
    for stage in content["stages"].values():
        folders = " ".join(map(str, stage["outs"]))
        stage["cmd"] = f"for folder in {folders}; do mkdir -p $folder && echo $folder > $folder/{FILE}; done"
    writer.dump(content, path)


def finish(project: Path, lock: Row) -> Row:
    """Make all results and record them in `lock`, as DVC does after each stage, but write dvc.lock once.

    What is recorded of a run already holds; stages that depend on all runs are recorded anew.
    """
    sys.path.insert(0, str(ROOT / "workflow"))
    from bridge.stages import looked_at_once

    with Repo(str(project)) as repo, repo.lock, looked_at_once(), contextlib.redirect_stderr(io.StringIO()):
        stages = [stage for stage in repo.index.stages if stage.cmd]
        for out in (out for stage in stages for out in stage.outs):
            Path(out.fs_path).mkdir(parents=True, exist_ok=True)
            (Path(out.fs_path) / FILE).write_text(f"{out.def_path}\n")
        for stage in (stage for stage in stages if "@" not in stage.addressing or stage.addressing not in lock):
            stage.save(run_cache=False)
            for out in stage.outs:
                out.commit(relink=False)
            lock |= to_lockfile(stage)
    plain = json.loads(json.dumps({"schema": "2.0", "stages": lock}))  # no ordered dictionaries
    Path("dvc.lock").write_text(yaml.dump(plain, Dumper=yaml.CSafeDumper, sort_keys=False))
    return {"stages": len(stages), "lock_megabytes": round(Path("dvc.lock").stat().st_size / 1e6, 2)}


def table(rows: list[Row]) -> str:
    """Markdown: processor seconds and memory of each command; last, with which power of the stages the seconds grow."""
    heads = [*(f"`{' '.join(COMMANDS[name][:2])}` s" for name in ("snakemake", "dvc")), "a job s"]
    cells = []
    for row in rows:
        figures = [(f"{row[name]['processor']:.0f}", f"{row[name]['megabytes']:,}") for name in COMMANDS]
        cells.append([f"{row['stages']:,}", f"{row['lock_megabytes']:.1f}", *chain(*figures)])
    cells.append(["growth", "", *chain(*((f"^{power(rows, name):.2f}", "") for name in COMMANDS))])
    return markdown_table(["stages", "dvc.lock MB", *chain(*((head, "MB") for head in heads))], cells)


def power(rows: list[Row], name: str) -> float:
    """Of the number of stages, from the first size to the last: 1 is linear, 2 quadratic."""
    done = [row for row in rows if "unfinished" not in row[name]]
    first, last = done[0], done[-1]
    return math.log(last[name]["processor"] / first[name]["processor"]) / math.log(last["stages"] / first["stages"])


if __name__ == "__main__":
    parser = options.parser(__spec__.name, __doc__)
    parser.add_argument("sizes", metavar="STAGES", nargs="*", type=options.count, help=f"{SIZES} without one")
    with options.in_words():
        main(parser.parse_args().sizes or list(SIZES))
