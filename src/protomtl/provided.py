"""Which tasks each source has: told before anything is fetched."""

from collections.abc import Mapping

from protomtl.core.paths import TREES
from protomtl.data import starter
from protomtl.sources import hub_data
from protomtl.sources.catalogue import ADVGLUE_LISTS, CS224N, ELSEWHERE
from protomtl.tasks.settings import Task

OWN = "`data.source: folder` reads your own files"


def check(params: str, source: str, tasks: Mapping[str, Task]) -> None:
    """SystemExit for a task that the source has not, or for a file that it cannot have.

    The starter data are cut into tasks of fixed names; of other sources a task names its files.
    """
    if source == "starter" and (others := sorted({*tasks} - starter.TASKS)):
        has = f"it has {', '.join(sorted(starter.TASKS))}"
        raise SystemExit(
            f"{params}: tasks: the starter data has no {', '.join(others)}; {has}; {OWN}, `cs224n` the paper's"
        )
    published = {TREES, *(name for name, _ in CS224N.values()), *ELSEWHERE, *ADVGLUE_LISTS}
    for name, task in tasks.items():
        for split, file in task.files:
            place = f"tasks.{name}.files.{split}"
            if source == "hub":
                hub_data.place(place, file)
            elif source == "cs224n" and file not in published:
                raise SystemExit(f"{params}: {place}: {file}: the paper's splits have no such file; {OWN}")
