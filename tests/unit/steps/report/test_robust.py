"""What the page "Robust?" answers for: the figure that was fixed before, whatever else a run has."""

import pytest

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
