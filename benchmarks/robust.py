"""Training under stress: few rows, wrong labels, rare classes, one cell of the design after the other (`make robust`).

Each cell is a whole run of what params.yaml has with other `data.worsened`, kept as docs/runs/robust-CELL. A cell that
is kept already is passed over, and one that was interrupted goes on, so the command can be given again at any time.
"""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks import options
from benchmarks.children import alone, asked_to_end, started
from benchmarks.robust_curves import WHOLE, draw
from protomtl.commands.keep import keep
from protomtl.commands.preset import lay_over
from protomtl.core.files import read_json, read_record
from protomtl.core.paths import KEPT, STATE
from protomtl.core.sections import PARAMS
from protomtl.core.users_files import BadPath
from protomtl.data.worsened import has_next
from protomtl.own_data.writing import edited, rewritten
from protomtl.params import Params, load
from protomtl.publishing.kept import TABLES
from protomtl.receipt.changed import NEUTRAL, apart, of_method
from protomtl.receipt.here import settings
from protomtl.receipt.kept import as_kept, seeds_of

RESULTS = Path(__file__).parent / "results"
CELLS: dict[str, dict[str, Any]] = {
    WHOLE: {},
    **{f"wrong{p}": {"wrong_labels": p / 100} for p in (20, 40)},
    **{f"next{p}": {"wrong_labels": p / 100, "to": "next"} for p in (20, 40)},
    **{f"rare{ratio}": {"imbalance": ratio} for ratio in (10, 50)},
    **{f"rows{n}": {"rows": n} for n in (1024, 256, 64, 16)},
}
# Not where rows are worse: `concat` has fewer updates than the others, and `leave_one_out` stands for both prototypes.
WHOLE_ONLY = ("concat", "prototypical")
BEFORE = Path(f"{PARAMS}.before")  # what params.yaml was, while a cell runs and where it cannot go back
LOGS = Path(".snakemake/log")
TARGETS = ("results/tables", "results/ensemble")  # what `keep` needs


def kept(cell: str) -> Path:
    return KEPT / f"robust-{cell}"


@contextmanager
def set_to(cell: str) -> Iterator[None]:
    """params.yaml with what the cell says, and then as it was, also where the process is asked to end. Only the whole
    data have all texts under stress. SystemExit where somebody has edited the file meanwhile."""
    content, before = edited(PARAMS)
    patch: dict[str, Any] = {"data": {"worsened": CELLS[cell]}}
    if cell != WHOLE:
        methods = [method for method in load().methods if method not in WHOLE_ONLY]
        patch |= {"methods": methods, "perturb": {"rows": 300}}
    lay_over(content, patch)
    ours, whole = b"", False
    with asked_to_end():
        try:
            with rewritten(PARAMS, content, before) as part:
                load(part)
                ours = part.read_bytes()
                BEFORE.write_bytes(before)  # for who kills this program
            yield
        finally:
            whole = not ours or put_back(cell, ours, before)
        if not whole:
            raise SystemExit(1)


def put_back(cell: str, ours: bytes, before: bytes) -> bool:
    """Whether params.yaml, which had `ours`, is as it was `before`. What somebody else has written there stays, and
    the terminal says so."""
    found = PARAMS.read_bytes() if PARAMS.exists() else b""
    if found not in (ours, before):  # a full disk may have kept it as it was
        print(
            f"{PARAMS}: was edited while cell {cell} ran, and stays so, with that cell's settings; "
            f"`mv {BEFORE} {PARAMS}` brings back what was there before",
            file=sys.stderr,
        )
        return False
    if found != before:
        if not BEFORE.exists():
            BEFORE.write_bytes(before)
        shutil.copymode(PARAMS, BEFORE)
        shutil.move(BEFORE, PARAMS.resolve())  # by its name: a full disk has no room to write, and would leave nothing
    BEFORE.unlink(missing_ok=True)
    return True


def compute(cell: str) -> None:
    """All that is to be kept of a cell, by Snakemake; the whole data also get their report. SystemExit where it
    fails."""
    targets = [*TARGETS, "results/report"] if cell == WHOLE else TARGETS
    with started("snakemake", "--cores", str(os.cpu_count() or 1), *targets) as running:
        if status := running.wait():
            log = max(LOGS.glob("*.log"), key=lambda path: path.stat().st_mtime, default=LOGS)
            raise SystemExit(
                f"{kept(cell)}: not computed: snakemake ended with status {status} in cell {cell}; {log} says why, and "
                "logs/ what each job printed; then give this command again, which goes on there"
            )


def keep_aside(name: str) -> None:
    """As docs/runs/NAME, and no part of the page of findings: its question is another one."""
    try:
        keep(name, findings=False)
    except BadPath as error:
        raise SystemExit(f"{error}; then give this command again: what is computed stays") from None


def sound() -> Params:
    """params.yaml. SystemExit if rows are worse already, or a cell left it: also the first one has lost its style."""
    if (params := load()).data.worsened.active:
        back = f"`git checkout {PARAMS}`, then `protomtl preset robust`"  # what was before a cell has all that it needs
        back = f"`mv {BEFORE} {PARAMS}`, then give this command again" if BEFORE.exists() else back
        raise SystemExit(f"{PARAMS}: data.worsened: is set already; {back}")
    if BEFORE.exists():
        raise SystemExit(
            f"{BEFORE}: a cell was killed and has left what {PARAMS} was; `mv {BEFORE} {PARAMS}` brings it back, "
            f"`rm {BEFORE}` if {PARAMS} is right; then give this command again"
        )
    return params


@alone(STATE / "robust.lock", "make robust")
def run(compute: Callable[[str], None] = compute, keep: Callable[[str], None] = keep_aside) -> None:
    """The cells that are not kept yet and that all tasks can have. SystemExit as of `sound` and `refuse_other`."""
    params = sound()
    unordered = [name for name, task in params.tasks.items() if not has_next(task)]
    for number, cell in enumerate(CELLS, 1):
        if kept(cell).exists():
            refuse_other(kept(cell), params)
            print(f"{number} of {len(CELLS)}, {cell}: kept already in {kept(cell)}", flush=True)
            continue
        if unordered and CELLS[cell].get("to") == "next":
            print(f"{number} of {len(CELLS)}, {cell}: left out: the classes of tasks.{unordered[0]} have no order")
            continue
        print(f"{number} of {len(CELLS)}, {cell} …", flush=True)
        with set_to(cell):
            compute(cell)
            keep(kept(cell).name)


def refuse_other(folder: Path, params: Params) -> None:
    """SystemExit for a kept cell of other settings than params.yaml has, or without some of its seeds: one table would
    have figures of both."""
    with as_kept(folder):
        about = read_record(folder / "about.json")
        seeds = seeds_of(about["parts"])
        ours = settings(params) | {"worsened": about.get("worsened", NEUTRAL["worsened"])}  # differs by the cell
        both = [method for method in params.methods if method in about.get("methods", ours["methods"])]
        said = [line for method in both for line in of_method(about, ours, method)]
        said += apart(about.get("tasks", ours["tasks"]), ours["tasks"], "tasks")
    said += [f"no seed {seed}" for seed in params.seeds if seed not in seeds]
    if said:
        raise SystemExit(f"{folder}: is not of what {PARAMS} has: {said[0]}; give the kept cells other names")


def table() -> pd.DataFrame:
    """A row for each kept cell and method: what was done to the rows, and the test figures with their intervals."""
    found = []
    for cell in CELLS:
        if (path := kept(cell) / TABLES["test"]).exists():
            about = read_json(kept(cell) / "about.json").get("worsened", {})
            done = {key: about.get(key) for key in ("rows", "wrong_labels", "to", "imbalance")}
            found.append(pd.read_csv(path).assign(cell=cell, **done))
    if not found:
        raise SystemExit(f"{kept(WHOLE)}: no cell is kept yet; `make robust` computes them")
    whole = pd.concat(found, ignore_index=True)
    figures = [name for column in whole if (name := column.removesuffix("_low")) != column]
    columns = [f"{name}{end}" for name in figures for end in ("", "_sd", "_low", "_high") if f"{name}{end}" in whole]
    return whole[["cell", "rows", "wrong_labels", "to", "imbalance", "method", "label", *columns, "seeds"]]


def main(only_draw: bool) -> None:
    if not only_draw:
        run()
    rows = table()
    RESULTS.mkdir(exist_ok=True)
    rows.to_csv(RESULTS / "robust.csv", index=False, lineterminator="\n")
    draw(rows, RESULTS / "robust.png")
    print(f"{RESULTS / 'robust.csv'}, {RESULTS / 'robust.png'}")


if __name__ == "__main__":
    parser = options.parser(__spec__.name, __doc__)
    parser.add_argument("--draw", action="store_true", help="compute nothing: the curves of the cells that are kept")
    with options.in_words():
        main(parser.parse_args().draw)
