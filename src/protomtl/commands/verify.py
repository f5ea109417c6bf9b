"""Command `verify`: whether files are whole, figures of the pages true, and a run that was kept is reproduced here.

Without an option it looks at outputs, cached objects, locks and saved states; `--repair` mends what is not whole.
"""

import argparse
import sys
from pathlib import Path

from protomtl import params
from protomtl.analysis.settings import Margin
from protomtl.core.files import remove
from protomtl.core.locks import forget_state, held
from protomtl.core.paths import STATE
from protomtl.core.sections import argument
from protomtl.tasks.settings import main_tasks
from protomtl.verification import (
    LOCK,
    Damage,
    Kind,
    cache_folder,
    dvc,
    lock_holders,
    look,
    read_lock,
    stages_out_of_date,
)

EXAMPLES = """
  protomtl verify            status 0: all is whole; 1: a line for each damage
  protomtl verify --repair   mends it: from the cache, the remote, or by a new run of the stage
  protomtl verify --figures  status 0: tables of README and docs are those of the kept predictions; 1: a line for each
  protomtl verify --against starter
                             the receipt, results/receipt: status 0: reproduced; 1: different; 2: cannot tell"""


def arguments(command: argparse.ArgumentParser) -> None:
    what = command.add_mutually_exclusive_group()
    what.add_argument("--repair", action="store_true", help="mend what is damaged")
    what.add_argument("--figures", action="store_true", help="check the tables of README and docs against docs/runs")
    what.add_argument("--against", metavar="RUN", help="a kept run, docs/runs/RUN, with which to compare this one")
    command.add_argument("--margin", type=argument(Margin), help="instead of the one that RUN states")


def run(args: argparse.Namespace) -> None:
    if args.margin is not None and args.against is None:
        raise SystemExit("protomtl verify --margin needs --against RUN")
    if args.figures:
        figures()
    elif args.against is not None:
        against(args.against, args.margin)
    else:
        files(args)


def figures() -> None:
    """Exit with 1 if a table of a page, or of a kept run, is not what the kept predictions give."""
    from protomtl.commands import findings
    from protomtl.receipt.figures import checked

    whole = {findings.PAGE: findings.page(findings.kept_runs())}
    lines, wrong = checked(whole, main_tasks(params.load().tasks))
    print("\n".join(lines))
    sys.exit(bool(wrong))


def against(name: str, margin: float | None) -> None:
    """Write the receipt; exit with its status. What keeps it from being written is status 2: it cannot be told."""
    from protomtl.receipt import receipt

    try:
        status = receipt.write(name, margin, params.load())
    except SystemExit as reason:
        if isinstance(reason.code, str):
            print(reason.code, file=sys.stderr)
        status = 2
    sys.exit(status)


def files(args: argparse.Namespace) -> None:
    """Look at all files, and mend them if that is asked for."""
    if not LOCK.exists():
        raise SystemExit(f"{LOCK}: not there, so no result is recorded; `snakemake --cores 4 all` makes them")
    STATE.mkdir(exist_ok=True)
    with held(STATE / "run") as alone:  # as the Snakefile does
        if not alone or lock_holders():
            raise SystemExit("another run is under way in this folder; wait for its end, or stop it")
        cache = cache_folder()
        found = look(cache)
        if args.repair and found:
            found = repair(found, cache)
    print("\n".join(map(str, found)) or "all is whole: what dvc.lock records, the cache, and what is saved")
    sys.exit(bool(found))


def repair(found: list[Damage], cache: Path) -> list[Damage]:
    """Remove what is bad, and bring it back by the first of these that has it: the folder itself for the cache, the
    cache, the remote, a new run of the stage. Returns what is damaged still."""
    for path, kind, _ in found:
        if kind is Kind.STATE:
            forget_state(STATE.joinpath(*path.parts[1:3]))
        elif kind is Kind.OBJECT or (kind not in (Kind.EXTRA, Kind.ABSENT) and path.is_file()):
            remove(path)
    restore(look(cache))
    store(look(cache))
    found = look(cache)
    if left := stages_of(found, Kind.OUTPUT, Kind.ABSENT):
        print(f"run again: {', '.join(left)}", flush=True)
        print(dvc("repro", "--single-item", *left), flush=True)
        found = look(cache)
    return found


def restore(found: list[Damage]) -> None:
    """Outputs out of the cache, or of the remote."""
    if lost := [str(damage.path) for damage in found if damage.kind is Kind.OUTPUT]:
        if dvc("config", "core.remote", may_fail=True).strip():
            dvc("fetch", may_fail=True)
        dvc("checkout", "--force", *lost, may_fail=True)


def store(found: list[Damage]) -> None:
    """What the cache lacks, out of the folder, where that is what dvc.lock records: it must stay as it is."""
    if absent := stages_of(found, Kind.ABSENT):
        edited = [stage for stage, changes in stages_out_of_date().items() if not only_outputs(changes)]
        changed = stages_of(found, Kind.OUTPUT, Kind.EXTRA)
        for stage in absent:
            if stage not in (*edited, *changed):
                dvc("commit", "--force", stage, may_fail=True)


def only_outputs(changes: list[object]) -> bool:
    """Whether DVC finds only the outputs of a stage changed: not its dependencies, parameters or command."""
    return all(isinstance(change, dict) and set(change) == {"changed outs"} for change in changes)


def stages_of(found: list[Damage], *kinds: Kind) -> list[str]:
    """The stages whose outputs have a damage of these kinds, in the order of dvc.yaml."""
    paths = [damage.path for damage in found if damage.kind in kinds]
    made = {stage for stage, outs in read_lock().items() if any(p.is_relative_to(o) for p in paths for o in outs)}
    return [stage for stage in dvc("stage", "list", "--name-only").split() if stage in made] if made else []
