"""What was kept of a run agrees with itself, or is told to be damaged."""

import copy
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from protomtl.core.runs import Run
from protomtl.receipt.agreeing import check_figures, check_methods, check_predictions
from protomtl.receipt.kept import KEY, seeds_of
from protomtl.steps.tables.joined import Evaluated
from protomtl.tasks.settings import Task

FILES = {"train": "a", "dev": "b", "test": "c"}
YES_NO = Task.model_validate({"kind": "binary", "texts": ["t"], "label": "l", "files": FILES})
VALUE = Task.model_validate({"kind": "regression", "range": [0, 5], "texts": ["t"], "label": "l", "files": FILES})
METHODS = ["one", "two"]


def predicted() -> pd.DataFrame:
    """Method `two` has not trained `rest`."""
    rows = [("test", "para", str(i), float(i % 2), float(i % 4 == 1), 0.0) for i in range(8)]
    rows += [("test", "rest", str(i), 1.0, 1.0, None) for i in range(4)]
    return pd.DataFrame(rows, columns=[*KEY, *METHODS])


def test_predictions_of_the_same_examples_agree() -> None:
    check_predictions({"seed1": predicted(), "seed2": predicted()}, KEY, METHODS)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda frame: frame.iloc[:-1], "seed2: no examples, or not those of the other seeds"),
        (lambda frame: frame.assign(gold=1 - frame["gold"]), "seed2: no examples, or not those"),
        (lambda frame: frame.assign(one=frame["one"].astype(str)), "seed2: predictions that are no numbers"),
        (lambda frame: frame.assign(one=frame["one"].where(frame.index != 3)), "seed2: some predictions of a task are"),
    ],
)
def test_predictions_that_do_not_agree_are_told(change: Callable[[pd.DataFrame], pd.DataFrame], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check_predictions({"seed1": predicted(), "seed2": change(predicted())}, KEY, METHODS)
    with pytest.raises(ValueError, match="no examples"):
        check_predictions({"seed1": predicted().iloc[:0]}, KEY, METHODS)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, ""),
        ({"para": 0.85}, "para of one on test is 0.8500 by its record and 0.7500 by its predictions"),
        ({"overall": 0.6}, "overall of one on test is not that of its tasks"),
        ({"rest": 1.0}, "a figure of rest on test, and no predictions of it"),
        ({"para": None}, ""),  # not defined
    ],
)
def test_a_figure_that_is_not_that_of_its_predictions_is_told(change: dict[str, Any], said: str) -> None:
    run, frame = Run("one", 1), predicted().query("task == 'para'")
    table = frame.set_index(["id", "gold"])[["one"]].set_axis([run], axis=1)
    figures = {"para": 0.75, "overall": 0.75} | change
    evaluated = Evaluated({"test": {"para": table}}, {run: {"test": figures}}, {})
    tasks = {"para": YES_NO, "rest": YES_NO} if "rest" in change else {"para": YES_NO}
    if said:
        with pytest.raises(ValueError, match=f"^seed 1: {said}"):
            check_figures(evaluated, tasks)
    else:
        check_figures(evaluated, tasks)


def test_a_correlation_of_predictions_that_are_nearly_one_is_not_judged() -> None:
    """They were rounded to six digits, and so may have another one."""
    run, gold = Run("one", 1), [0.0, 2.0, 5.0]
    for apart, refused in ((1e-5, False), (1.0, True)):
        table = pd.DataFrame(
            {run: [2.0, 2.0 + apart, 2.0]}, pd.MultiIndex.from_arrays([list("abc"), gold], names=KEY[2:])
        )
        evaluated = Evaluated({"dev": {"v": table}}, {run: {"dev": {"v": 0.3, "overall": 0.3}}}, {})
        if refused:
            with pytest.raises(ValueError, match=r"v of one on dev is 0\.3000"):
                check_figures(evaluated, {"v": VALUE})
        else:
            check_figures(evaluated, {"v": VALUE})


def test_a_table_has_a_row_for_each_method() -> None:
    check_methods(["b", "a"], {"methods": {"a": {}, "b": {}}})
    check_methods(["b", "a"], {})  # an older run does not say them
    for methods, odd in ((["a"], "b"), (["a", "b", "c"], "c"), (["a", "b", "b"], "a method twice")):
        with pytest.raises(ValueError, match=f"do not have the same methods: {odd}$"):
            check_methods(methods, {"methods": {"a": {}, "b": {}}})


@pytest.mark.parametrize("seeds", [[[1, 2], [2]], [["1"]], [[True]]])
def test_a_seed_counts_once(seeds: list[list[Any]]) -> None:
    parts = [{"seeds": copy.copy(own)} for own in seeds]
    with pytest.raises(ValueError, match="is there twice, or is no number"):
        seeds_of(parts)
    assert seeds_of([{"seeds": [2, 1]}, {"seeds": [3]}]) == [2, 1, 3]
