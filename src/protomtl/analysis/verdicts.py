"""What the comparisons of a run allow to say, and which of them are shown first."""

import pandas as pd

from protomtl.analysis.bootstrap import LEVEL

# A comparison: difference, low, high, p, p_holm; and margin, p_equal, detectable, improvement.
Compared = dict[str, float]
OLDER = ("margin", "p_equal", "detectable", "improvement")  # what kept comparisons of older versions do not have

QUESTIONS = (  # (question, the method that is to be better, than which other)
    ("Does prototypical pre-training help?", "prototypical", "concat"),
    ("Does it help more than as many updates of plain fine-tuning?", "prototypical", "concat_longer"),
    ("Is it the prototypes, or would linear heads on the same classes do?", "prototypical", "softmax_pretrained"),
    ("Do the labels of the first phase matter?", "prototypical", "shuffled_pretrained"),
    ("Do prototypes help that leave out the row itself?", "leave_one_out", "concat"),
    ("Do these help more than as many updates of plain fine-tuning?", "leave_one_out", "concat_longer"),
    ("Does pre-finetuning with task heads (MUPPET) do better?", "muppet", "prototypical"),
    ("Is the best recipe better, with its own budget?", "best", "prototypical"),
)


def split_that_decides(rows: pd.DataFrame) -> str:
    """Test, or dev where test has no labels."""
    return "test" if (rows["split"] == "test").any() else "dev"


def overall_against_first(rows: pd.DataFrame) -> pd.DataFrame:
    """Of comparisons.csv the rows of `overall` with the first reference, on the split that decides."""
    whole = rows[rows["figure"] == "overall"]
    first = whole["reference"].isin(whole["reference"].iloc[:1])
    return whole[first & (whole["split"] == split_that_decides(whole))]


def judged(rows: pd.DataFrame, method: str, other: str) -> tuple[str, dict[str, Compared]]:
    """The split that decides, and for each figure the comparison; {} if none."""
    split = split_that_decides(rows)
    found = {
        figure: compared(rows[(rows["split"] == split) & (rows["figure"] == figure)], method, other)
        for figure in dict.fromkeys(rows["figure"])
    }
    return split, {figure: row for figure, row in found.items() if row is not None}


def compared(rows: pd.DataFrame, method: str, other: str) -> Compared | None:
    """The comparison of two methods, whichever of them was the reference; None if neither was."""
    rows = rows.reindex(columns=[*dict.fromkeys([*rows.columns, *OLDER])])
    there = rows[(rows["method"] == method) & (rows["reference"] == other)]
    back = rows[(rows["method"] == other) & (rows["reference"] == method)]
    keys = ("difference", "low", "high", "p", "p_holm", *OLDER)
    if len(there):
        return {key: float(there.iloc[0][key]) for key in keys}
    if len(back):
        row = {key: float(back.iloc[0][key]) for key in keys}
        turned = {"difference": -row["difference"], "low": -row["high"], "high": -row["low"]}
        return row | turned | {"improvement": 1 - row["improvement"]}
    return None


def verdict(found: dict[str, Compared]) -> str:
    """What the figures allow to say, overall and of each task."""
    whole = found.get("overall")
    parts = [f"{name} {word(row)}" for name, row in found.items() if name != "overall" and word(row) != NOT_SHOWN]
    tasks = f" By task: {', '.join(parts)}." if parts else " No task by itself is decided."
    if whole is None:
        return tasks.strip()
    if word(whole) == NOT_SHOWN:
        return f"**not shown** overall; gains above {max(whole['high'], 0):.3f} are unlikely.{tasks}"
    if word(whole) == EQUAL:
        return f"**equal** overall, within {whole['margin']:g}.{tasks}"
    within = f", by less than {whole['margin']:g} for sure" if equal(whole) else ""
    return f"**{word(whole)}** overall by {abs(whole['difference']):.3f}{within}.{tasks}"


BETTER, WORSE, EQUAL, NOT_SHOWN = "better", "worse", "equal", "not shown"


def word(row: Compared) -> str:
    """better or worse where p says so, equal where the two one-sided tests do, else not shown."""
    if row["p_holm"] < LEVEL:
        return BETTER if row["difference"] > 0 else WORSE
    return EQUAL if equal(row) else NOT_SHOWN


def equal(row: Compared) -> bool:
    """Whether a difference as large as the margin is excluded; kept comparisons of older versions do not tell."""
    return row.get("p_equal", 1.0) < LEVEL
