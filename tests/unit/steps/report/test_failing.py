"""Which hand-made answers fail a test of meaning."""

import pytest
from scipy.stats import binomtest

from protomtl.steps.report import failing
from tests.unit.steps.report.test_stressed import ALIKE, SAME, STARS, A, table, task_of


@pytest.mark.parametrize("fails", [0, 1])
def test_rows_that_all_pass_or_all_fail_do_not_prove_that_the_next_one_does(fails: int) -> None:
    """All their resamples are the same, and would say so."""
    clean = [("clean", "clean", str(k), "label", 1.0, 1.0) for k in range(15)]
    turned = [("meaning", "turned", str(k), "same", 1.0, 1.0 - fails) for k in range(15)]
    failure = failing.failures({"same": {A: table(*clean, *turned)}}, {"same": SAME}).iloc[0]
    exact = binomtest(15 * fails, 15).proportion_ci(0.95, method="exact")
    assert failure["failed"] == fails
    assert (failure["low"], failure["high"]) == pytest.approx((exact.low, exact.high))


@pytest.mark.parametrize(
    ("expected", "label", "before", "after", "fails"),
    [
        ("label", 1.0, 1.0, 0.0, 1),
        ("label", 0.0, 1.0, 0.0, 0),
        ("same", 1.0, 0.0, 0.0, 0),  # wrong as before is the same
        ("same", 1.0, 1.0, 0.0, 1),
    ],
)
def test_classes_fail_by_their_answer(expected: str, label: float, before: float, after: float, fails: int) -> None:
    rows = table(("clean", "clean", "1", "label", 1.0, before), ("meaning", "x", "1", expected, label, after))
    assert failing.failed(SAME, {A: rows}, "x").tolist() == [[fails]]


def test_of_many_classes_the_one_beside_it_is_another_answer() -> None:
    """It would be within a tenth of the range, were classes values."""
    months = task_of(kind="classification", classes=12, ordered=True)
    rows = table(("clean", "clean", "1", "label", 4.0, 4.0), ("meaning", "x", "1", "label", 4.0, 5.0))
    assert failing.failed(months, {A: rows}, "x").tolist() == [[1]]


@pytest.mark.parametrize(("after", "fails"), [(3.0, 0), (3.49, 0), (2.49, 1), (3.51, 1)])
def test_values_fail_beyond_a_tenth_of_the_range(after: float, fails: int) -> None:
    rows = table(("clean", "clean", "1", "label", 1.0, 3.0), ("meaning", "turned", "1", "same", 1.0, after))
    assert failing.failed(ALIKE, {A: rows}, "turned").tolist() == [[fails]]


def test_a_value_beyond_the_range_is_its_end() -> None:
    """As `predict` gives it: a static copy's ridge regression makes up to 9 of a text with itself."""
    cases = [
        ("clean", "clean", "1", "label", 5.0, 9.0),
        ("meaning", "itself", "1", "label", 5.0, 9.0),
        ("meaning", "turned", "1", "same", 5.0, 6.0),
    ]
    found = failing.failures({"alike": {A: table(*cases)}}, {"alike": ALIKE})
    assert found["failed"].tolist() == [0, 0]


def test_a_value_does_not_rise_beyond_the_end_of_its_range() -> None:
    """`predict` gives 5 of both, and `protomtl stress` passes such a row."""
    cases = [("clean", "clean", "1", "label", 4.0, 5.2), ("meaning", "negated", "1", "lower", 4.0, 5.4)]
    price = task_of(kind="regression", range=[0, 5])
    assert failing.failed(price, {A: table(*cases)}, "negated").tolist() == [[0]]


def test_a_denied_opinion_fails_if_it_rises_and_a_side_if_it_is_the_other() -> None:
    cases = [
        ("clean", "clean", "1", "label", 2.0, 1.0),
        ("clean", "clean", "2", "label", 2.0, 1.0),
        ("meaning", "negated", "1", "lower", 2.0, 2.0),
        ("meaning", "negated", "2", "lower", 2.0, 0.0),
        ("shift", "advglue", "3", "side", 2.0, 1.0),
        ("shift", "advglue", "4", "side", 0.0, 1.0),
        ("shift", "advglue", "5", "side", 2.0, 1.0),
    ]
    scores = [[0.2, 0.6, 0.2], [0.2, 0.6, 0.2], [0.1, 0.6, 0.3], [0.3, 0.6, 0.1], [0.2, 0.7, 0.1], [0.2, 0.7, 0.1]]
    scores.append([0.1, 0.7, 0.2])
    rows = {A: table(*cases, scores=scores)}
    assert failing.failed(STARS, rows, "negated").tolist() == [[1.0], [0.0]]
    assert failing.failed(STARS, rows, "advglue").tolist() == [[1.0], [0.0], [0.0]]  # more mass below the middle
    shares = failing.failures({"stars": rows}, {"stars": STARS}).set_index("stress")["failed"]
    assert shares.to_dict() == {"negated": 0.5, "advglue": pytest.approx(1 / 3)}


def test_a_value_rises_or_lies_on_a_side_by_itself() -> None:
    """The middle is 2.5."""
    cases = [
        *(("clean", "clean", k, "label", 4.0, 3.0) for k in "12"),
        *(("meaning", "negated", k, "lower", 4.0, value) for k, value in (("1", 3.5), ("2", 2.9))),
        *(("shift", "far", k, "side", 4.0, value) for k, value in (("3", 2.6), ("4", 2.4))),
    ]
    price, rows = task_of(kind="regression", range=[0, 5]), {A: table(*cases)}
    assert failing.failed(price, rows, "negated").tolist() == [[1], [0]]
    assert failing.failed(price, rows, "far").tolist() == [[0], [1]]
