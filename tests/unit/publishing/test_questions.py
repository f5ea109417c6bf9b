"""Questions and plans: what is written down is sound, and the power is that of the kept runs."""

from pathlib import Path

import pandas as pd
import pytest

from protomtl import params
from protomtl.analysis import power
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
    cells = [questions.planned(tmp_path, question, plan, "a", control) for control in ("b", "c")]
    assert cells[0] == cells[1] == [*expected, f"{power.detectable(error, 2):.3f}"]
    blind = plan.model_copy(update={"noise": None})
    assert questions.planned(tmp_path, question, blind, "a", "b") == ["no kept run tells", "", "", ""]


def test_a_mistake_names_its_question(tmp_path: Path) -> None:
    path = tmp_path / "questions.yaml"
    path.write_text("a: {ask: one, figure: two, margin: much, why: so, compare: [], plans: [], preset: quick}")
    with pytest.raises(SystemExit, match=r"questions\.yaml: a\.margin: 'much'"):
        questions.read(path)
