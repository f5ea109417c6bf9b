"""Questions: what is written down is sound."""

from pathlib import Path

import pytest

from protomtl import params
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


def test_each_question_says_where_its_figure_is() -> None:
    """Of overall on test, or of its area, of updates, or of new classes: no other figure is taken in their place."""
    said = {letter: (q.rows is not None, q.updates, q.new_classes) for letter, q in WRITTEN.items()}
    assert said == {
        "a": (False, None, None),
        "b": (True, None, None),
        "c": (False, "concat", None),
        "d": (False, None, "few"),
        "e": (False, None, "later"),
    }


def test_a_mistake_names_its_question(tmp_path: Path) -> None:
    path = tmp_path / "questions.yaml"
    path.write_text("a: {ask: one, figure: two, margin: much, why: so, compare: [], plans: [], preset: quick}")
    with pytest.raises(SystemExit, match=r"questions\.yaml: a\.margin: 'much'"):
        questions.read(path)
