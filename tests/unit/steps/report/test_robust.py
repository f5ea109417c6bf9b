"""The page "Robust?"."""

from pathlib import Path

import pandas as pd
import pytest

from protomtl.steps.report import failing, robust
from protomtl.steps.report.step import Stressed, write_stress
from protomtl.tasks.settings import Task
from tests.unit.steps.report.test_stressed import ALIKE, SAME, STARS, A, table


def test_a_text_of_any_length_leaves_the_page_readable() -> None:
    cases = pd.DataFrame({"kind": "noise", "stress": "case", "expected": "same", "label": 1.0}, index=[0])
    (part,) = robust.texts({"mood": cases.assign(original="a " * 10**6, text="short")}, {"mood": SAME})
    assert part.table is not None
    (row,) = part.table.to_dict("records")
    assert (len(row["original"]), row["text"]) == (robust.LONGEST + 2, "short")


def measured(task: Task, *tests: tuple[str, str, float]) -> robust.Measured:
    """One row under each test: its stress, what is expected and the label."""
    cases = [("meaning", stress, "1", expected, label, 1.0) for stress, expected, label in tests]
    rows = table(("clean", "clean", "1", "label", 1.0, 1.0), *cases, scores=[[0.2, 0.5, 0.3]] * (1 + len(cases)))
    nothing = pd.DataFrame()
    return robust.Measured(nothing, {}, failing.failures({"task": {A: rows}}, {"task": task}), nothing)


@pytest.mark.parametrize(
    ("task", "tests", "right"),
    [
        (
            SAME,
            [("itself", "label", 1.0), ("negated", "label", 0.0), ("turned", "same", 1.0)],
            ["yes", "no", "as before"],
        ),
        (ALIKE, [("itself", "label", 5.0)], ["5"]),
        (STARS, [("negated", "lower", 2.0)], ["not above before"]),
        (STARS, [("advglue", "side", 2.0)], ["on the label's side of the middle"]),
    ],
)
def test_of_a_test_the_right_answer_is_named(task: Task, tests: list[tuple[str, str, float]], right: list[str]) -> None:
    (part, *_) = robust.page(measured(task, *tests), [A], {"a": "A"}, {})
    assert part.table is not None and part.table["right answer"].tolist() == right


def test_of_a_row_the_right_answer_is_named_too() -> None:
    cases = [("shift", "advglue", str(k), "side", label, 0.0) for k, label in enumerate((0.0, 2.0))]
    rows = table(*cases, ("noise", "case", "2", "label", 2.0, 0.0)).assign(text="a", original="A")
    shown = [part.table for part in robust.texts({"stars": rows}, {"stars": STARS})]
    assert [t["right answer"].tolist() for t in shown if t is not None] == [
        ["not above the middle", "above the middle"],
        ["2"],
    ]


def test_what_is_kept_of_failed_tests_is_by_numbers_alone(tmp_path: Path) -> None:
    write_stress(Stressed({}, measured(SAME, ("itself", "label", 1.0)), None), tmp_path)
    head = (tmp_path / "robust-failures.csv").read_text().splitlines()[0]
    assert head == "method,task,stress,rows,right,failed,low,high"
