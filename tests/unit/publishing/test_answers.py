"""Answers of kept runs that are written here, by hand."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from protomtl.analysis import planned
from protomtl.core.files import write_json
from protomtl.publishing import answers, markers
from tests.unit.publishing.written import ERROR, ask, write_run

FREEDOM = 4 * 25**2 / (9**2 + 16**2) * (101 / 5) ** 2  # Welch of both deviations, Satterthwaite with the examples


def cells(difference: float, error: float, freedom: float) -> list[str]:
    """Difference, interval and p of one comparison, which is its own family."""
    found = planned.Estimate(difference, error, freedom)
    low, high = planned.interval(found)
    p = (planned.two_sided_p(found), planned.equal_p(found, 0.01))
    return [f"{difference:+.4f}", f"{low:+.4f} to {high:+.4f}", *(f"{value:.3f}" for value in p)]


def test_an_answer_is_the_mean_over_splits(tmp_path: Path) -> None:
    """0.04 and 0.06, each with the error of `write_run`, whose squares add up."""
    runs = ask(tmp_path / "docs", "[[one], [two]]", splits=2)
    write_run(runs / "one", 0.04)
    write_run(runs / "two", 0.06, split_seed=2025)
    head, rows = answers.answers(runs, [])
    expected = cells(0.05, ERROR / 2**0.5, 2 * FREEDOM)
    assert rows == [["(a)", "`a` minus `b`", "d", expected[0], "+0.0400, +0.0600", *expected[1:], "better"]]
    assert len(head) == len(rows[0])


def test_an_area_adds_up_the_errors_of_its_sizes(tmp_path: Path) -> None:
    """Sizes 16 and 64 weigh a half each, on one test set."""
    runs = ask(tmp_path / "docs", "[[small, large]]", rows="[16, 64]")
    write_run(runs / "small", 0.06, worsened={"rows": 16, "seed": 1})
    write_run(runs / "large", 0.02, rows=64, worsened={"seed": 1})
    expected = cells(0.04, ERROR, FREEDOM)
    assert answers.answers(runs, [])[1][0][3:] == [expected[0], "+0.0400", *expected[1:], "better"]


def test_worse_and_not_shown_have_their_signs(tmp_path: Path) -> None:
    runs = ask(tmp_path / "docs", "[[one]]", compare="[[b, a]]")
    write_run(runs / "one", 0.04)
    (row,) = answers.answers(runs, [])[1]
    assert row[1] == "`b` minus `a`" and row[3] == "-0.0400" and row[-1] == "worse"
    runs = ask(tmp_path / "docs", "[[two]]")
    write_run(runs / "two", 0.001)
    assert answers.answers(runs, [])[1][0][-1] == "not shown"


def test_p_is_corrected_over_the_comparisons_of_a_plan(tmp_path: Path) -> None:
    """Of two comparisons with one p it is twice that, also for equality."""
    runs = ask(tmp_path / "docs", "[[one]]", compare="[[a, b], [b, a]]", margin=0.05)
    write_run(runs / "one", 0.02)
    found = planned.Estimate(0.02, ERROR, FREEDOM)
    p = [f"{2 * value:.3f}" for value in (planned.two_sided_p(found), planned.equal_p(found, 0.05))]
    assert [row[6:8] for row in answers.answers(runs, [])[1]] == [p, p] and "0.000" not in p


def test_a_plan_of_half_the_comparisons_is_corrected_for_all(tmp_path: Path) -> None:
    """Method d was not run; still the p of the other comparison is twice its own."""
    runs = ask(tmp_path / "docs", "[[one]], compare: [[a, b]]", compare="[[a, b], [a, d]]", margin=0.05)
    write_run(runs / "one", 0.02)
    found = planned.Estimate(0.02, ERROR, FREEDOM)
    p = [f"{2 * value:.3f}" for value in (planned.two_sided_p(found), planned.equal_p(found, 0.05))]
    (row,) = answers.answers(runs, [])[1]
    assert row[1] == "`a` minus `b`" and row[6:8] == p
    runs = ask(tmp_path / "docs", "[[one]]", compare="[[a, b], [a, d]]")
    with pytest.raises(ValueError, match="one: has no d"):
        answers.answers(runs, [])


def test_a_plan_has_comparisons_of_its_question(tmp_path: Path) -> None:
    runs = ask(tmp_path / "docs", "[], compare: [[b, a]]")
    with pytest.raises(SystemExit, match="compare: b minus a is no comparison of the question"):
        answers.answers(runs, [])


def test_a_part_of_a_plan_is_no_answer(tmp_path: Path) -> None:
    for kept, stands in (("[]", "not run yet"), ("[[one]]", "1 of 3 splits run")):
        runs = ask(tmp_path / "docs", kept, splits=3)
        if kept != "[]":
            write_run(runs / "one", 0.04)
        assert answers.answers(runs, [])[1] == [["(a)", stands, "d", *[""] * 6]]


def test_the_error_of_a_kept_run_has_the_whole_variance_of_its_trainings(tmp_path: Path) -> None:
    """The interval of `write_run` has 4/5 of it."""
    run = write_run(tmp_path / "own")
    assert answers.estimate(run, ("a", "b")) == pytest.approx((0.0, ERROR, FREEDOM))
    with pytest.raises(ValueError, match="own does not compare a with c: overall of one is not defined, or none is in"):
        answers.estimate(run, ("a", "c"))


def test_the_noise_of_a_kept_run_is_the_same_either_way_round(tmp_path: Path) -> None:
    run = write_run(tmp_path / "own")
    for pair in (("a", "b"), ("b", "a")):
        found = answers.kept_noise(run, *pair)
        assert found is not None and found == pytest.approx((25e-6, 96e-6, 4 * 25**2 / (9**2 + 16**2)))
    assert answers.kept_noise(run, "a", "c") is None


def test_how_much_sooner_by_hand(tmp_path: Path) -> None:
    """The end is 0.8, of which 95 % is 0.76. Seed 1: 20 updates against 40, one halving; seed 2: 10 against 40, two."""
    run = write_run(tmp_path / "own", seeds=2, updates={"a": [20, 10]})
    assert answers.sooner(run, ("a", "b"), "b") == pytest.approx((1.5, 0.5, 1))  # deviation √0.5, of two seeds
    assert answers.sooner(run, ("b", "a"), "b").difference == pytest.approx(-1.5)
    for seed in (1, 2):
        (tmp_path / f"one/seed{seed}").mkdir(parents=True)
    (tmp_path / "one/seed1/curves.csv").write_bytes((run / "seed1/curves.csv").read_bytes())
    with pytest.raises(ValueError, match=r"one has no curves\.csv of seed2; keep it again"):
        answers.sooner(tmp_path / "one", ("a", "b"), "b")
    with pytest.raises(ValueError, match=r"curves\.csv has no typo"):
        answers.sooner(run, ("typo", "b"), "b")
    (tmp_path / "one/seed2").rmdir()
    with pytest.raises(ValueError, match="one has one seed; two at least"):
        answers.sooner(tmp_path / "one", ("a", "b"), "b")


def test_fewer_updates_are_better_and_what_never_gets_there_is_told(tmp_path: Path) -> None:
    runs = ask(tmp_path / "docs", "[[own]]", updates="c", compare="[[a, b], [b, a]]")
    run = write_run(runs / "own", updates={"a": [20, 10, 20, 10, 20]})
    better, worse = answers.answers(runs, [])[1]
    assert better[3] == "+1.4000" and better[-1] == "better" and worse[3] == "-1.4000" and worse[-1] == "worse"
    for seed in (2, 4):
        table = pd.read_csv(run / f"seed{seed}/curves.csv")
        table.loc[table["method"] == "a", "overall"] = 0.5
        table.to_csv(run / f"seed{seed}/curves.csv", index=False)
    (row, _) = answers.answers(runs, [])[1]
    assert row[3:] == ["n/a", "n/a", "n/a to n/a", "n/a", "n/a", answers.NEVER.format(2, 5)]


def test_an_end_that_is_not_defined_is_an_error(tmp_path: Path) -> None:
    run = write_run(tmp_path / "own")
    table = pd.read_csv(run / "seed3/curves.csv")
    table.loc[(table["method"] == "c") & (table["updates"] == 80), "overall"] = np.nan
    table.to_csv(run / "seed3/curves.csv", index=False)
    with pytest.raises(ValueError, match="own: the end of c is not defined in some seed"):
        answers.sooner(run, ("a", "b"), "c")


def test_new_classes_are_not_answered_by_overall(tmp_path: Path) -> None:
    """The run compares the two on test, too; only what was measured on new classes counts."""
    runs = ask(tmp_path / "docs", "[[own]]", new_classes="few")
    run = write_run(runs / "own", 0.04)
    with pytest.raises(markers.UnknownTable, match="own has no new classes of a and b; `make new-classes RUN=own`"):
        markers.table("all answers", runs)
    row = {"what": "later", "method": "a", "control": "b", "difference": 0.5, "error": 0.1, "freedom": 4}
    rows = [row, row | {"what": "few", "difference": -0.03, "error": 0.003, "freedom": 6}]
    (run / answers.NEW_CLASSES).write_text(json.dumps({"comparisons": rows}))
    expected = cells(-0.03, 0.003, 6)
    assert answers.answers(runs, [])[1][0][3:] == [expected[0], "-0.0300", *expected[1:], "worse"]
    tie = rows[1] | planned.crossed(np.zeros((5, 3)))._asdict()
    write_json(run / answers.NEW_CLASSES, {"comparisons": [tie | {"what": "few"}]})
    assert answers.on_new_classes(run, "few", ("a", "b")) == (0.0, 0.0, np.inf)
    assert answers.answers(runs, [])[1][0][-1] == "not shown"


def test_one_seed_is_no_answer(tmp_path: Path) -> None:
    run = write_run(tmp_path / "own", seeds=1)
    table = pd.read_csv(run / "tables-table2.csv")
    table.assign(overall_sd=np.nan).to_csv(run / "tables-table2.csv")
    with pytest.raises(ValueError, match="own has no deviation over seeds on test; two seeds"):
        answers.estimate(run, ("a", "b"))
