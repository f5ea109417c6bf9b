"""What the page "Robust?" answers for: the figure that was fixed before, whatever else a run has."""

import pytest

from protomtl.steps.report import primary


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
    assert primary.stress_of(made) == expected


@pytest.mark.parametrize(
    ("difference", "p", "p_equal", "said"),
    [
        (-0.02, 0.01, 0.9, "the first loses less"),
        (0.02, 0.01, 0.9, "the first loses more"),
        (0.004, 0.01, 0.01, "the first loses more, by less than the margin"),
        (-0.02, 0.2, 0.4, "neither shown nor ruled out"),
        (-0.001, 0.2, 0.01, "equal within the margin"),
    ],
)
def test_the_words_of_a_verdict(difference: float, p: float, p_equal: float, said: str) -> None:
    assert primary.verdict(difference, p, p_equal) == said
