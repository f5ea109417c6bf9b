"""Step `collect`: results/runs.csv lists the runs; results of runs that params.yaml no longer lists are taken away.

The stages behind it depend on whole folders, since DVC's graph cannot name a list of dependencies. A leftover there
would make the same parameters look different in a fresh clone. DVC restores it when it is listed again.
"""

from collections.abc import Sequence

from protomtl.core.files import atomic, remove, write_csv
from protomtl.core.paths import RUNS, results
from protomtl.core.runs import Run, runs_of

STAGES = ("pretrain", "finetune", "curves/train", "curves/dev", "evaluate", "stress")  # whose results are per run


def run(methods: list[str], seeds: list[int]) -> None:
    """Remove the results of methods and seeds that are not listed (any more); write the list of those that are."""
    runs = runs_of(methods, seeds)
    remove_leftovers(runs)
    with atomic(RUNS) as part:
        write_csv(part, [run._asdict() for run in runs])
    print(f"collect: {len(runs)} runs, {RUNS}")


def remove_leftovers(runs: Sequence[Run]) -> None:
    """Remove the results of all other runs."""
    for stage in STAGES:
        kept = {results(stage, *run) for run in runs}
        for folder in sorted(set(results(stage).glob("*/seed*")) - kept):
            print(f"{folder}: not among `methods` and `seeds` of params.yaml, removed; listed again, DVC restores it")
            remove(folder)
            if not any(folder.parent.iterdir()):
                folder.parent.rmdir()
