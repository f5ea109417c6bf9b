"""Cases as a table: what `perturb` writes, and `protomtl stress` makes of a user's rows."""

from collections.abc import Sequence

import pandas as pd

from protomtl.perturbations.kinds import Case

CASE = Case._fields[:6]  # of a case: all but its texts


def table_of(cases: Sequence[Case]) -> pd.DataFrame:
    """A row a case: CASE; `text`, or `text_a` and `text_b`; and as they were `original`, or `original_a` and
    `original_b`."""
    table = pd.DataFrame([case[: len(CASE)] for case in cases], columns=CASE)
    sides = len(cases[0].texts) if cases else 0
    for column, given in (("text", [case.texts for case in cases]), ("original", [case.original for case in cases])):
        for side in range(sides):
            table[column if sides == 1 else f"{column}_{'ab'[side]}"] = [texts[side] for texts in given]
    return table
