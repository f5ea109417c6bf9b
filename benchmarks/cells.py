"""A design: the same run once for each cell, which is a change of params.yaml, one after the other; each is kept.

A cell that is kept already is passed over, and one that was interrupted goes on, so the command can be given again at
any time.
"""

import argparse
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import options
from benchmarks.children import alone, asked_to_end, started
from protomtl.commands.keep import keep, name_of_run
from protomtl.commands.preset import lay_over
from protomtl.core.files import read_record
from protomtl.core.paths import KEPT, STATE
from protomtl.core.sections import PARAMS
from protomtl.core.users_files import BadPath
from protomtl.own_data.writing import edited, rewritten
from protomtl.params import Params, load
from protomtl.receipt.changed import NEUTRAL, apart, of_method
from protomtl.receipt.here import settings
from protomtl.receipt.kept import as_kept, seeds_of

BEFORE = Path(f"{PARAMS}.before")  # what params.yaml was, while a cell runs and where it cannot go back
LOGS = Path(".snakemake/log")
TARGETS = ("results/tables", "results/ensemble")  # what `keep` needs


class Cell(NamedTuple):
    """name: of the kept run; patch: what it lays over params.yaml; more: what it makes beside what `keep` needs;
    left_out: why the tasks cannot have it."""

    name: str
    patch: Mapping[str, Any]
    more: tuple[str, ...] = ()
    left_out: str = ""


def parser(module: str, about: str, name: str) -> argparse.ArgumentParser:
    """Knows `--name`: own data have cells of their own."""
    found = options.parser(module, about)
    found.add_argument("--name", default=name, type=name_of_run, help=f"of the kept cells: NAME-CELL ({name})")
    return found


@contextmanager
def set_to(cell: Cell) -> Iterator[None]:
    """params.yaml with what the cell says, and then as it was, also where the process is asked to end. SystemExit where
    somebody has edited the file meanwhile."""
    content, before = edited(PARAMS)
    lay_over(content, cell.patch)
    ours, whole = b"", False
    with asked_to_end():
        try:
            with rewritten(PARAMS, content, before) as part:
                load(part)
                ours = part.read_bytes()
                BEFORE.write_bytes(before)  # for who kills this program
            yield
        finally:
            whole = not ours or put_back(cell.name, ours, before)
        if not whole:
            raise SystemExit(1)


def put_back(name: str, ours: bytes, before: bytes) -> bool:
    """Whether params.yaml, which had `ours`, is as it was `before`. What somebody else has written there stays, and
    the terminal says so."""
    found = PARAMS.read_bytes() if PARAMS.exists() else b""
    if found not in (ours, before):  # a full disk may have kept it as it was
        print(
            f"{PARAMS}: was edited while {name} ran, and stays so, with the settings of that cell; "
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


def compute(cell: Cell) -> None:
    """All that is to be kept of a cell, by Snakemake. SystemExit where it fails."""
    with started("snakemake", "--cores", str(os.cpu_count() or 1), *TARGETS, *cell.more) as running:
        if status := running.wait():
            log = max(LOGS.glob("*.log"), key=lambda path: path.stat().st_mtime, default=LOGS)
            raise SystemExit(
                f"{KEPT / cell.name}: not computed: snakemake ended with status {status}; {log} says why, and "
                "logs/ what each job printed; then give this command again, which goes on there"
            )


def keep_aside(name: str) -> None:
    """As docs/runs/NAME, and no part of the page of findings: its question is another one."""
    try:
        keep(name, findings=False)
    except BadPath as error:
        raise SystemExit(f"{error}; then give this command again: what is computed stays") from None


def refuse_left() -> None:
    """SystemExit where a kill has left params.yaml as a cell had it, if only in another style."""
    if BEFORE.exists():
        raise SystemExit(
            f"{BEFORE}: a cell was killed and has left what {PARAMS} was; `mv {BEFORE} {PARAMS}` brings it back, "
            f"`rm {BEFORE}` if {PARAMS} is right; then give this command again"
        )


@alone(STATE / "cells.lock")
def run(
    of: Callable[[Params], Sequence[Cell]],
    compute: Callable[[Cell], None] = compute,
    keep: Callable[[str], None] = keep_aside,
) -> None:
    """The cells, of what params.yaml has, that are not kept yet and that the tasks can have. SystemExit where a cell
    was killed, or where one that is kept is of other settings."""
    refuse_left()
    params = load()
    cells = of(params)
    for number, cell in enumerate(cells, 1):
        place, folder = f"{number} of {len(cells)}, {cell.name}", KEPT / cell.name
        if folder.exists():
            refuse_other(folder, params)
            print(f"{place}: kept already in {folder}", flush=True)
        elif cell.left_out:
            print(f"{place}: left out: {cell.left_out}", flush=True)
        else:
            print(f"{place} …", flush=True)
            with set_to(cell):
                compute(cell)
                keep(cell.name)


def refuse_other(folder: Path, params: Params) -> None:
    """SystemExit for a kept cell of other settings than params.yaml has, or without some of its seeds: one table would
    have figures of both."""
    with as_kept(folder):
        about = read_record(folder / "about.json")
        seeds = seeds_of(about["parts"])
        ours = settings(params) | {name: about.get(name, value) for name, value in NEUTRAL.items()}  # of the cell
        both = [method for method in params.methods if method in about.get("methods", ours["methods"])]
        said = [line for method in both for line in of_method(about, ours, method)]
        said += apart(about.get("tasks", ours["tasks"]), ours["tasks"], "tasks")
    said += [f"no seed {seed}" for seed in params.seeds if seed not in seeds]
    if said:
        raise SystemExit(
            f"{folder}: is not of what {PARAMS} has: {said[0]}; `--name NAME` keeps yours apart (`make … NAME=…`)"
        )
