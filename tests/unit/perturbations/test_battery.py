"""The battery of a task: which stresses apply, how many rows they get, what the right answer is."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from protomtl.perturbations.battery import CLEAN, Battery, battery
from protomtl.perturbations.kinds import Place, Source
from protomtl.perturbations.noise import NOISE
from protomtl.perturbations.settings import Perturb
from protomtl.tasks.settings import Task

FILES = {"train": "a", "dev": "b", "test": "c"}
KINDS: dict[str, dict[str, Any]] = {
    "opinion": {"kind": "classification", "classes": 5, "ordered": True, "texts": ["t"]},
    "topic": {"kind": "classification", "classes": 4, "texts": ["t"]},
    "tags": {"kind": "multilabel", "classes": 3, "texts": ["t"]},
    "same": {"kind": "binary", "texts": ["a", "b"]},
    "duplicate": {"kind": "binary", "classes": ["different", "duplicate"], "texts": ["a", "b"]},
    "alike": {"kind": "regression", "range": [-1, 1], "texts": ["a", "b"]},
    "entails": {"kind": "classification", "classes": 3, "texts": ["a", "b"]},
}
ABOUT = {"opinion": "opinion", "same": "meaning", "duplicate": "meaning", "alike": "meaning"}
TEXT = "A good man is playing a fine guitar in Syria with {} friends"


def task_of(name: str) -> Task:
    return Task.model_validate({"label": "y", "files": FILES} | KINDS[name])


def settings(**more: Any) -> Perturb:
    plain = {"rows": 0, "splits": ["test"], "kinds": ["noise", "meaning", "shift"], "noise": [0.05, 0.1], "seed": 1}
    return Perturb.model_validate(plain | {"about": ABOUT} | more)


def rows_of(task: Task, size: int) -> list[Source]:
    texts = [TEXT.format(30 + k) for k in range(size)]
    pair = [(text, text + " today") if task.pair else (text,) for text in texts]
    low, high = task.bounds
    return [Source("test", f"r{k}", pair[k], high if k % 2 else low) for k in range(size)]


def built(name: str, size: int = 40, most: int = 0, **more: Any) -> Battery:
    task = task_of(name)
    return battery(name, task, rows_of(task, size), settings(**more), most)


@pytest.mark.parametrize(
    ("name", "stresses"),
    [
        ("opinion", {"names", "negated"}),
        ("topic", set()),
        ("tags", set()),
        ("same", {"turned", "itself", "names", "numbers", "exchanged", "negated", "other_name", "other_number"}),
        ("duplicate", {"turned", "itself", "names", "numbers", "exchanged", "negated", "other_name", "other_number"}),
        ("alike", {"turned", "itself", "names", "numbers"}),
        ("entails", set()),
    ],
)
def test_what_applies_to_a_task(name: str, stresses: set[str]) -> None:
    found = built(name)
    noise = {"typos_5", "typos_10", *NOISE} - {"typos"}
    assert {*found.counts} == noise | stresses
    assert bool(found.words) == (name in ("topic", "tags", "entails", "alike"))  # what is left out is told


@pytest.mark.parametrize("name", KINDS)
def test_each_case_has_a_clean_row_and_its_answer(name: str) -> None:
    found, task = built(name), task_of(name)
    clean = {(case.split, case.id): case for case in found.cases if case.stress == CLEAN}
    low, high = task.bounds
    assert all(count["made"] for stress, count in found.counts.items() if stress != "misspelled")
    for case in found.cases:
        plain = clean[case.split, case.id]
        assert case.original == plain.texts and low <= case.label <= high
        match case.stress:
            case "itself":
                assert case.texts[0] == case.texts[1] and case.label == high and case.expected == "label"
            case "exchanged" | "negated" | "other_name" | "other_number" if task.pair:
                assert case.texts[0] == plain.texts[0] != case.texts[1] and case.texts[1] not in plain.texts
                assert case.label == low and case.expected == "label"
            case "turned":
                assert case.texts == plain.texts[::-1] and case.expected == "same" and case.label == plain.label
            case "names" | "numbers":
                assert case.expected == "same" and case.texts != plain.texts and case.label == plain.label
            case "negated" if not task.pair:
                assert case.expected == "lower" and case.label > (low + high) / 2
            case _ if case.kind == "noise":
                assert case.label == plain.label and case.expected == "label"


@given(st.sampled_from(["opinion", "topic", "same"]), st.integers(1, 120), st.integers(1, 60))
def test_there_are_never_more_cases_than_asked_for(name: str, most: int, size: int) -> None:
    found = built(name, size, most)
    assert len(found.cases) <= most
    assert sum(count["made"] for count in found.counts.values()) == sum(c.stress != CLEAN for c in found.cases)


@given(st.sampled_from(["opinion", "topic", "same"]), st.integers(1, 60), st.integers(1, 30))
def test_too_few_for_a_case_of_each_stress_is_told_with_how_many_are_enough(name: str, size: int, most: int) -> None:
    """So many have a case of each stress that can change a row, and one fewer has none."""
    found = built(name, size, most)
    if not found.enough:
        return
    assert not found.cases and found.enough > most
    assert all(count["made"] <= 1 for count in built(name, size, found.enough).counts.values())
    assert built(name, size, found.enough).cases and not built(name, size, found.enough - 1).cases


def test_rows_that_cannot_be_changed_are_counted() -> None:
    task = task_of("same")
    rows = [*rows_of(task, 3), Source("test", "x", ("7", "7"), 1.0), Source("test", "y", ("8", "9"), 0.0)]
    counts = battery("same", task, rows, settings(), 0).counts
    assert counts["typos_10"]["made"] == 3 and counts["typos_10"]["left_out"] == 2
    assert counts["itself"] == {"made": 4, "left_out": 1}  # the one that is itself already
    assert counts["turned"] == {"made": 4, "left_out": 1}


@pytest.mark.parametrize("most", [1, 9, 30, 100])
def test_rows_that_nobody_looked_at_are_not_counted_as_left_out(most: int) -> None:
    """Each row here can be turned round, so that none is left out of it; and none has a name or a number."""
    rows = [Source("test", f"r{k}", (f"текст {'а' * k}", f"другой {'а' * k}"), k % 2) for k in range(200)]
    counts = battery("same", task_of("same"), rows, settings(kinds=["meaning"]), most).counts
    assert counts["turned"]["left_out"] == counts["itself"]["left_out"] == 0
    assert counts["names"] == {"made": 0, "left_out": 200}


def test_a_text_that_many_rows_have_is_taken_once() -> None:
    task = task_of("same")
    rows = [Source("test", str(k), ("A man is here", f"other {k}"), 0.0) for k in range(5)]
    counts = battery("same", task, rows, settings(), 0).counts
    assert counts["itself"] == {"made": 1, "left_out": 4} and counts["turned"]["made"] == 5


def test_another_name_or_number_is_that_of_the_first_text_whatever_the_second_has() -> None:
    rows = [Source("test", "x", ("Michael has 7 dogs", "Cats sit"), 1.0)]
    found = battery("same", task_of("same"), rows, settings(), 0)
    changed = {case.stress: case.texts[1].split() for case in found.cases if case.stress.startswith("other")}
    name, number = changed["other_name"], changed["other_number"]
    assert name[1:] == ["has", "7", "dogs"] and name[0] != "Michael"
    assert (number[0], number[1], number[3]) == ("Michael", "has", "dogs") and number[2] != "7"


def test_a_sample_is_part_of_the_whole() -> None:
    whole, some = built("same", 40), built("same", 40, 100)
    of = [{(case.stress, case.texts) for case in found.cases} for found in (some, whole)]
    assert of[0] < of[1] and some == built("same", 40, 100)
    assert {*built("same", 40, 100, seed=2).cases} != {*some.cases}


def test_rows_of_other_places_are_taken_as_they_are() -> None:
    task = task_of("opinion")
    other = [Source("elsewhere", f"e{k}", (f"text {k}",), 1.0) for k in range(9)]
    found = battery("opinion", task, rows_of(task, 5), settings(), 0, {"amazon": Place(other)})
    assert [c.texts for c in found.cases if c.stress == "amazon"] == [row.texts for row in other]
    assert found.counts["amazon"] == {"made": 9, "left_out": 0}
    assert all(c.split == "test" for c in found.cases if c.stress == CLEAN)


def test_a_task_that_is_said_to_be_what_it_cannot_be_is_told() -> None:
    assert "needs a pair" in built("topic", about={"topic": "meaning"}).words[0]
    assert "needs one text" in built("same", about={"same": "opinion"}).words[0]


def test_the_kinds_that_are_not_wanted_are_not_made() -> None:
    assert {*built("same", kinds=["meaning"]).counts} & {"case", "typos_10"} == set()
    assert "turned" not in built("same", kinds=["noise"]).counts
    plain = built("same", kinds=["shift"])
    assert not plain.counts and len(plain.cases) == 40  # the clean rows
    assert len(built("same", most=7, kinds=["shift"]).cases) == 7


def test_two_shares_of_one_name_are_refused_and_a_share_that_its_name_would_not_say() -> None:
    with pytest.raises(ValidationError, match=r"0.05 is there twice"):
        settings(noise=[0.05, 0.1, 0.05])
    with pytest.raises(ValidationError, match=r"0.104: a stress is named by whole per cent; write 0.1"):
        settings(noise=[0.104])
    every = range(1, 101)
    assert {f"typos_{k}" for k in every} <= {*built("topic", 3, noise=[k / 100 for k in every]).counts}
