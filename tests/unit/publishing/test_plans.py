"""The power of plans is that of the kept runs, each for the figure of its question."""

from pathlib import Path

import pytest

from protomtl.analysis import power
from protomtl.publishing import plans
from protomtl.publishing.questions import Plan, Question
from tests.unit.publishing.written import ask, write_run

COMMON = {"ask": "?", "figure": "overall", "margin": 0.02, "why": "so", "preset": "quick"}


def test_a_plan_is_read_from_the_run_or_from_what_stands_for_it(tmp_path: Path) -> None:
    write_run(tmp_path / "own")
    plan = Plan(data="starter", seeds=5, splits=2, noise="own", like=("a", "b"))
    question = Question(**COMMON, plans=[plan], compare=[("a", "b"), ("a", "c")])
    error = power.standard_error(power.Noise(25e-6, 96e-6), 5, 2)
    expected = [f"{error:.4f}", f"{power.power(0.02, error, 2):.0%}", f"{power.power_of_equality(0.02, error, 2):.0%}"]
    cells = [plans.foreseen(tmp_path, question, plan, ("a", control)) for control in ("b", "c")]
    assert cells[0] == cells[1] == [*expected, f"{power.detectable(error, 2):.3f}"]
    blind = plan.model_copy(update={"noise": None})
    assert plans.foreseen(tmp_path, question, blind, ("a", "b")) == ["no kept run tells", "", "", ""]


def test_the_first_split_is_the_pilot_of_a_figure_of_its_own(tmp_path: Path) -> None:
    """One halving and two in turn, over five seeds: deviation √0.3, error √(0.3 / 5), and of three splits / √3. The
    variance of overall, which `noise` would give, is not taken."""
    runs = ask(tmp_path / "docs", "[[own]]", splits=3, updates="b")
    write_run(runs / "own", updates={"a": [20, 10, 20, 10, 20]})
    error = (0.3 / 5 / 3) ** 0.5
    cells = [f"{error:.4f}", f"{power.power(0.01, error):.0%}", "0%", f"{power.detectable(error):.3f}"]
    assert plans.plans(runs, [])[1] == [["(a)", "`a` minus `b`", "d", "5 × 3", *cells]]
    ask(tmp_path / "docs", "[]", splits=3, updates="b")
    assert plans.plans(runs, [])[1][0][4] == plans.UNKNOWN


@pytest.mark.parametrize("figure", [{"updates": "b"}, {"new_classes": "few"}])
def test_overall_of_other_runs_does_not_stand_for_another_figure(tmp_path: Path, figure: dict[str, str]) -> None:
    write_run(tmp_path / "own")
    plan = Plan(data="d", seeds=5, splits=1, noise="own", like=("a", "b"))
    question = Question.model_validate(COMMON | figure | {"plans": [plan], "compare": [("a", "b")]})
    assert plans.foreseen(tmp_path, question, plan, ("a", "b"))[0] == plans.UNKNOWN
