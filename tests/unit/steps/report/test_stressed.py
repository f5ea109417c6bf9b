"""Losses and failed tests of hand-made predictions."""

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from protomtl.core.runs import Run
from protomtl.data import elsewhere, starter
from protomtl.steps.report import robust, stressed
from protomtl.steps.report.robust_pictures import told_apart
from protomtl.tasks.settings import Task

FILES = {"train": "a", "dev": "b", "test": "c"}
A, B = Run("a", 1), Run("b", 1)


def task_of(**what: Any) -> Task:
    return Task.model_validate({"texts": ["t"], "label": "y", "files": FILES} | what)


STARS = task_of(kind="classification", classes=3, ordered=True)
SAME = task_of(kind="binary", texts=["a", "b"])
ALIKE = task_of(kind="regression", range=[0, 5], texts=["a", "b"])


def table(*cases: tuple[str, str, str, str, float, float], scores: list[list[float]] | None = None) -> pd.DataFrame:
    """kind, stress, id, expected, label, prediction of each case."""
    found = pd.DataFrame(cases, columns=["kind", "stress", "id", "expected", "label", "prediction"]).assign(
        split="test"
    )
    for k, column in enumerate(zip(*(scores or []), strict=True)):
        found[f"score_{k}"] = column
    return found


def test_a_loss_is_against_the_same_rows_clean() -> None:
    clean = [("clean", "clean", str(k), "label", k % 2, k % 2) for k in range(10)]
    noise = [("noise", "typos_10", str(k), "label", k % 2, 0) for k in range(1, 10)]  # row 0 could not be changed
    losses, drawn = stressed.losses({"same": {A: table(*clean, *noise)}}, {"same": SAME})
    row = losses.iloc[0]
    assert (row["rows"], row["clean"], row["figure"]) == (9, 1.0, pytest.approx(4 / 9))
    assert row["loss"] == pytest.approx(5 / 9) == row["relative"] and row["low"] <= row["loss"] <= row["high"]
    assert drawn["typos_10", "same"].shape[1] == 1


def test_a_loss_on_one_row_has_no_interval() -> None:
    """All its resamples are the same: the interval would say that nothing is left to chance."""
    clean, noise, turned = (
        ("clean", "clean", "1", "label", 1.0, 1.0),
        ("noise", "case", "1", "label", 1.0, 1.0),
        ("meaning", "turned", "1", "same", 1.0, 1.0),
    )
    tables = {"same": {A: table(clean, noise, turned)}}
    loss, failure = (
        of.iloc[0] for of in (stressed.losses(tables, {"same": SAME})[0], stressed.failures(tables, {"same": SAME}))
    )
    assert (loss["loss"], failure["failed"]) == (0, 0)
    assert not np.isfinite([loss["low"], loss["high"]]).any()
    assert (failure["low"], failure["high"]) == pytest.approx((0, 0.975))  # of a share there is an exact one
    assert "no interval" in robust.lost(loss)


@pytest.mark.parametrize("fails", [0, 1])
def test_rows_that_all_pass_or_all_fail_do_not_prove_that_the_next_one_does(fails: int) -> None:
    """All their resamples are the same, and would say so."""
    clean = [("clean", "clean", str(k), "label", 1.0, 1.0) for k in range(15)]
    turned = [("meaning", "turned", str(k), "same", 1.0, 1.0 - fails) for k in range(15)]
    failure = stressed.failures({"same": {A: table(*clean, *turned)}}, {"same": SAME}).iloc[0]
    exact = binomtest(15 * fails, 15).proportion_ci(0.95, method="exact")
    assert failure["failed"] == fails
    assert (failure["low"], failure["high"]) == pytest.approx((exact.low, exact.high))


@pytest.mark.parametrize(
    ("splits", "expected"), [(["dev", "test", "elsewhere"], ["test", "elsewhere"]), (["dev", "elsewhere"],) * 2]
)
def test_dev_is_judged_only_where_test_has_no_rows(splits: list[str], expected: list[str]) -> None:
    rows = table(*(("noise", "case", "1", "label", 1.0, 1.0) for _ in splits)).assign(split=splits)
    found = stressed.judged(rows)
    assert [*found["split"]] == expected and [*found.index] == [*range(len(expected))]


@pytest.mark.parametrize("places", [("noise", "typos_10"), ("shift", "elsewhere")])
def test_more_error_is_a_loss_too(places: tuple[str, str]) -> None:
    """Of rmse less is better: a figure that is worse under stress must not look like a gain."""
    clean = [("clean", "clean", str(k), "label", k % 5, k % 5 + 0.5) for k in range(20)]
    worse = [(*places, str(k), "label", k % 5, k % 5 + 1.5 + k % 2 * 1e-9) for k in range(20)]  # not all alike
    tasks = {"price": task_of(kind="regression", range=[0, 5], metric="rmse")}
    losses, drawn = stressed.losses({"price": {A: table(*clean, *worse)}}, tasks)
    (row,) = losses.to_dict("records")  # there is no overall of it
    assert (row["clean"], row["figure"]) == (pytest.approx(0.5), pytest.approx(1.5))
    assert [row["loss"], row["low"], row["high"]] == pytest.approx([1.0] * 3) and row["relative"] == pytest.approx(2.0)
    assert (drawn[places[1], "price"] > 0).all()
    assert robust.lost(pd.Series(row)) == "1.500 (+1.000: +1.000 to +1.000, 200 %)"


def test_another_place_is_against_all_clean_rows() -> None:
    clean = [("clean", "clean", str(k), "label", 1.0, k % 2) for k in range(4)]
    there = [("shift", "amazon", f"x{k}", "label", 1.0, 1.0) for k in range(3)]
    losses, _ = stressed.losses({"same": {A: table(*clean, *there)}}, {"same": SAME})
    assert losses.iloc[0]["loss"] == -0.5  # a gain


def test_overall_is_of_runs_and_stresses_that_all_tasks_have() -> None:
    ids = [*map(str, range(6))]
    rows = [
        (*kind, k, "label", 1.0, said) for kind, said in ((("clean",) * 2, 1.0), (("noise", "case"), 0.0)) for k in ids
    ]
    only = [("noise", "dropped", k, "label", 1.0, 1.0) for k in ids]
    tables = {"same": {A: table(*rows, *only), B: table(*rows, *only)}, "other": {A: table(*rows)}}
    tasks = {"same": SAME, "other": SAME}
    losses, drawn = stressed.losses(tables, tasks)
    whole = losses[losses["task"] == "overall"]
    assert [*whole["method"]] == ["a"] and [*whole["stress"]] == ["case"] and whole.iloc[0]["loss"] == 1.0
    assert (drawn["case", "overall"] == (drawn["case", "same"][:, :1] + drawn["case", "other"]) / 2).all()
    assert stressed.whole_runs(tables, tasks) == [A]


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
    assert stressed.failed(SAME, {A: rows}, "x").tolist() == [[fails]]


def test_of_many_classes_the_one_beside_it_is_another_answer() -> None:
    """It would be within a tenth of the range, were classes values."""
    months = task_of(kind="classification", classes=12, ordered=True)
    rows = table(("clean", "clean", "1", "label", 4.0, 4.0), ("meaning", "x", "1", "label", 4.0, 5.0))
    assert stressed.failed(months, {A: rows}, "x").tolist() == [[1]]


@pytest.mark.parametrize(("after", "fails"), [(3.0, 0), (3.49, 0), (2.49, 1), (3.51, 1)])
def test_values_fail_beyond_a_tenth_of_the_range(after: float, fails: int) -> None:
    rows = table(("clean", "clean", "1", "label", 1.0, 3.0), ("meaning", "turned", "1", "same", 1.0, after))
    assert stressed.failed(ALIKE, {A: rows}, "turned").tolist() == [[fails]]


def test_a_value_beyond_the_range_is_its_end() -> None:
    """As `predict` gives it: a static copy's ridge regression makes up to 9 of a text with itself."""
    cases = [
        ("clean", "clean", "1", "label", 5.0, 9.0),
        ("meaning", "itself", "1", "label", 5.0, 9.0),
        ("meaning", "turned", "1", "same", 5.0, 6.0),
    ]
    found = stressed.failures({"alike": {A: table(*cases)}}, {"alike": ALIKE})
    assert found["failed"].tolist() == [0, 0]


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
    assert stressed.failed(STARS, rows, "negated").tolist() == [[1.0], [0.0]]
    assert stressed.failed(STARS, rows, "advglue").tolist() == [[1.0], [0.0], [0.0]]  # more mass below the middle
    shares = stressed.failures({"stars": rows}, {"stars": STARS}).set_index("stress")["failed"]
    assert shares.to_dict() == {"negated": 0.5, "advglue": pytest.approx(1 / 3)}


def test_a_value_rises_or_lies_on_a_side_by_itself() -> None:
    """The middle is 2.5."""
    cases = [
        *(("clean", "clean", k, "label", 4.0, 3.0) for k in "12"),
        *(("meaning", "negated", k, "lower", 4.0, value) for k, value in (("1", 3.5), ("2", 2.9))),
        *(("shift", "far", k, "side", 4.0, value) for k, value in (("3", 2.6), ("4", 2.4))),
    ]
    price, rows = task_of(kind="regression", range=[0, 5]), {A: table(*cases)}
    assert stressed.failed(price, rows, "negated").tolist() == [[1], [0]]
    assert stressed.failed(price, rows, "far").tolist() == [[0], [1]]


def test_a_genre_of_the_tasks_own_is_no_other_place() -> None:
    """Its rows are test rows of the task: `captions` of `sts` tell nothing of another place."""
    own = {(starter.GENRES[genre], place) for genre, place in elsewhere.GENRES.items()}
    assert own == robust.OWN
    cases = [("clean", "clean", str(k), "label", k % 2, k % 2) for k in range(4)]
    shift = [("shift", place, str(k), "label", k % 2, k % 2) for place in ("captions", "news") for k in range(4)]
    tables = {name: {A: table(*cases, *shift)} for name in ("para", "sts")}
    tables["sts"][A].loc[tables["sts"][A]["kind"] == "shift", "prediction"] = 1.0  # right on half
    losses, _ = stressed.losses(tables, dict.fromkeys(tables, SAME))
    parts = robust.loss_tables(losses[losses["task"] != "overall"], "Other places", {"a": "A"})
    heads = {part.title: [*part.table][1:] for part in parts if part.table is not None}
    assert heads == {
        "Other places: para": ["captions (4 rows)", "news, its own (4 rows)"],
        "Other places: sts": ["captions, its own (4 rows)", "news (4 rows)"],
    }
    cells = [part.table.iloc[0, 1] for part in parts if part.table is not None]
    assert [cell[:15] for cell in cells] == ["1.000 (+0.000: ", "0.500 (+0.500: "]


def test_a_figure_that_says_nothing_is_none() -> None:
    cases = [("clean", "clean", str(k), "label", float(k), 2.0) for k in range(4)]
    noise = [("noise", "case", str(k), "label", float(k), 2.0) for k in range(4)]
    losses, _ = stressed.losses({"alike": {A: table(*cases, *noise)}}, {"alike": ALIKE})
    assert np.isnan(losses.iloc[0][["figure", "loss", "low", "high"]].to_numpy(float)).all()
    assert robust.lost(losses.iloc[0]) == "n/a"


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
    assert robust.verdict(difference, p, p_equal) == said


def test_of_many_methods_those_of_the_question_and_those_that_lose_least_have_a_colour() -> None:
    methods = [f"m{k}" for k in range(12)] + ["concat_longer", "leave_one_out"]
    cases = itertools.product(("sst", "overall"), (5, 10), enumerate(methods))
    found = [(task, f"typos_{share}", name, share * k) for task, share, (k, name) in cases]
    rows = pd.DataFrame(found, columns=["task", "stress", "method", "loss"])
    assert told_apart(rows, methods) == ["m0", "m1", "m2", "m3", "m4", "m5", "concat_longer", "leave_one_out"]
    assert told_apart(rows[rows["task"] == "sst"], ["a", "b"]) == ["a", "b"]
