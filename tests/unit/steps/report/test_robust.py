"""What the page "Robust?" answers for: the figure that was fixed before, whatever else a run has."""

import pandas as pd
import pytest

from protomtl.steps.report import robust
from protomtl.steps.report.robust import primary_stress


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (["case", "typos_5", "typos_10", "typos_20", "typos_40"], "typos_10"),  # preset robust has larger shares
        (["typos_5", "typos_20", "typos_8", "case"], "typos_20"),
        (["case", "amazon"], None),
        ([], None),
    ],
)
def test_the_answer_is_of_the_stress_that_was_fixed_or_of_the_most_typos(made: list[str], expected: str | None) -> None:
    assert primary_stress(made) == expected


def test_a_text_of_any_length_leaves_the_page_readable() -> None:
    table = pd.DataFrame({"kind": "noise", "stress": "case", "expected": "same", "label": 1.0}, index=[0])
    (part,) = robust.texts({"mood": table.assign(original="a " * 10**6, text="short")}, {})
    assert part.table is not None
    (row,) = part.table.to_dict("records")
    assert (len(row["original"]), row["text"]) == (robust.LONGEST + 2, "short")
