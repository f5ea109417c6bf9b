"""The page "Robust?"."""

import pandas as pd

from protomtl.steps.report import robust


def test_a_text_of_any_length_leaves_the_page_readable() -> None:
    table = pd.DataFrame({"kind": "noise", "stress": "case", "expected": "same", "label": 1.0}, index=[0])
    (part,) = robust.texts({"mood": table.assign(original="a " * 10**6, text="short")}, {})
    assert part.table is not None
    (row,) = part.table.to_dict("records")
    assert (len(row["original"]), row["text"]) == (robust.LONGEST + 2, "short")
