"""Questions and plans: what is written down is sound, and the power is that of the kept runs."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from protomtl import params
from protomtl.analysis import planned, power
from protomtl.publishing import questions
from tests.support import ROOT

WRITTEN = questions.read(ROOT / "docs" / questions.QUESTIONS)


def test_the_questions_are_about_methods_presets_and_runs_that_exist() -> None:
    blocks = params.load(ROOT / "params.yaml").method
    for question in WRITTEN.values():
        assert {name for pair in question.compare for name in pair} <= {*blocks}
        assert (ROOT / "presets" / f"{question.preset}.yaml").exists() and 0 < question.margin < 1
        for plan in question.plans:
            assert plan.seeds > 0 and plan.splits > 0
            assert plan.noise is None or (ROOT / "docs/runs" / plan.noise).is_dir()


def write_run(folder: Path) -> Path:
    """Of five seeds: an interval of ± 1.96 × 0.01 and deviations of 0.003 and 0.004."""
    folder.mkdir()
    half = power.BOTH_ENDS * 0.01
    row = {"split": "test", "method": "a", "reference": "b", "figure": "overall", "difference": 0.0, "p": 0.5}
    pd.DataFrame([row | {"low": -half, "high": half, "p_holm": 0.5}]).to_csv(folder / "tables-comparisons.csv")
    table = {"method": ["a", "b"], "overall_sd": [0.003, 0.004], "seeds": ["1, 2, 3, 4, 5"] * 2}
    pd.DataFrame(table).to_csv(folder / "tables-table2.csv")
    return folder


def test_the_noise_of_a_kept_run_is_the_same_either_way_round(tmp_path: Path) -> None:
    run = write_run(tmp_path / "own")
    for pair in (("a", "b"), ("b", "a")):
        found = questions.kept_noise(run, *pair)
        assert found is not None and found == pytest.approx((25e-6, 100e-6 - 4e-6))
    assert questions.kept_noise(run, "a", "c") is None


def test_a_plan_is_read_from_the_run_or_from_what_stands_for_it(tmp_path: Path) -> None:
    write_run(tmp_path / "own")
    plan = questions.Plan(data="starter", seeds=5, splits=2, noise="own", like=("a", "b"))
    common = {"ask": "?", "figure": "overall", "margin": 0.02, "why": "so", "plans": [plan], "preset": "quick"}
    question = questions.Question(**common, compare=[("a", "b"), ("a", "c")])
    error = power.standard_error(power.Noise(25e-6, 96e-6), 5, 2)
    expected = [f"{error:.4f}", f"{power.power(0.02, error, 2):.0%}", f"{power.power_of_equality(0.02, error, 2):.0%}"]
    cells = [questions.foreseen(tmp_path, question, plan, "a", control) for control in ("b", "c")]
    assert cells[0] == cells[1] == [*expected, f"{power.detectable(error, 2):.3f}"]
    blind = plan.model_copy(update={"noise": None})
    assert questions.foreseen(tmp_path, question, blind, "a", "b") == ["no kept run tells", "", "", ""]


def test_a_mistake_names_its_question(tmp_path: Path) -> None:
    path = tmp_path / "questions.yaml"
    path.write_text("a: {ask: one, figure: two, margin: much, why: so, compare: [], plans: [], preset: quick}")
    with pytest.raises(SystemExit, match=r"questions\.yaml: a\.margin: 'much'"):
        questions.read(path)


def write_kept(folder: Path, difference: float, rows: int = 0) -> None:
    """A run of one seed that compares a with b, with a standard error of 0.004."""
    folder.mkdir(parents=True)
    low, high = planned.interval(planned.Estimate(difference, 0.004))
    row = {"split": "test", "method": "a", "reference": "b", "figure": "overall", "difference": difference}
    pd.DataFrame([row | {"low": low, "high": high, "p": 0.5, "p_holm": 0.5}]).to_csv(folder / "tables-comparisons.csv")
    table = {"method": ["a", "b"], "overall_sd": [np.nan] * 2, "seeds": ["1", "1"]}
    pd.DataFrame(table).to_csv(folder / "tables-table2.csv")
    (folder / "about.json").write_text(f'{{"rows": {rows}}}')


def test_an_answer_is_the_mean_over_splits_and_an_area_over_sizes(tmp_path: Path) -> None:
    """Two splits: 0.03 ± 0.004 / √2. Sizes 16 and 64 weigh a half each, on one test set: 0.02 ± 0.004."""
    runs = tmp_path / "docs/runs"
    for name, difference, rows in (("one", 0.02, 0), ("two", 0.04, 0), ("small", 0.04, 16), ("large", 0.0, 64)):
        write_kept(runs / name, difference, rows)
    (tmp_path / "docs/research").mkdir()
    block = "ask: q, figure: f, margin: 0.01, why: w, compare: [[a, b]], preset: quick"
    plans = {"a": "[[one], [two]]", "b": "[[small, large]]"}
    text = [
        f"{k}: {{{block}, plans: [{{data: d, seeds: 5, splits: 2, kept: {v}}}, {{data: e, seeds: 1, splits: 1}}]}}"
        for k, v in plans.items()
    ]
    (tmp_path / "docs" / questions.QUESTIONS).write_text("\n".join(text))
    rows = questions.answers(runs, [])[1]
    assert [row[:4] for row in rows] == [
        ["(a)", "`a` minus `b`", "d", "+0.0300"],
        ["(a)", "not run yet", "e", ""],
        ["(b)", "`a` minus `b`", "d", "+0.0200"],
        ["(b)", "not run yet", "e", ""],
    ]
    for row, error, middle in ((rows[0], 0.004 / 2**0.5, 0.03), (rows[2], 0.004, 0.02)):
        low, high = planned.interval(planned.Estimate(middle, error))
        assert row[4] == f"{low:+.4f} to {high:+.4f}" and row[-1] == "better"
    with pytest.raises(ValueError, match="one does not compare a with c; name one of them"):
        questions.estimate(runs / "one", ("a", "c"))


def test_the_error_of_a_kept_run_has_the_whole_variance_of_its_trainings(tmp_path: Path) -> None:
    """The interval of `write_run` has 4/5 of it: 100e-6 - 4e-6 of examples, and 25e-6 / 5 of five trainings."""
    found = questions.estimate(write_run(tmp_path / "own"), ("a", "b"))
    assert found == pytest.approx((0.0, 101e-6**0.5, np.inf))


def test_how_much_sooner_by_hand(tmp_path: Path) -> None:
    """The end is 0.8, of which 95 % is 0.76. Seed 1: 20 updates against 40, one halving; seed 2: 10 against 40, two."""
    for seed, first in ((1, 20), (2, 10)):
        points = [("a", first, 0.76), ("b", 40, 0.76), ("b", 80, 0.8), ("c", 5, 0.1)]
        (tmp_path / f"seed{seed}").mkdir()
        table = pd.DataFrame(points, columns=["method", "updates", "overall"])
        table.to_csv(tmp_path / f"seed{seed}/curves.csv", index=False)
    found = questions.sooner(tmp_path, ("a", "b"), "b")
    assert found == pytest.approx((1.5, 0.5, 1))  # deviation √0.5, of two seeds
    assert questions.sooner(tmp_path, ("b", "a"), "b").difference == pytest.approx(-1.5)
    never = questions.sooner(tmp_path, ("c", "b"), "b")
    assert np.isnan([never.difference, never.error, planned.two_sided_p(never), planned.equal_p(never, 1.0)]).all()
    (tmp_path / "seed2/curves.csv").unlink()
    with pytest.raises(ValueError, match=r"has curves\.csv of 1 seeds; two at least"):
        questions.sooner(tmp_path, ("a", "b"), "b")
