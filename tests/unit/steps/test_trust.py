"""What step `export` fits on dev and judges on test, of outputs that are made up."""

from typing import Any

import numpy as np
import pytest

from protomtl import calibration, novelty
from protomtl.model.sequences import TokenTable
from protomtl.steps.export.trust import calibrated, noticed, of_other_texts, reshaped
from protomtl.tasks.settings import Task

FILES = {"train": "a", "dev": "b", "test": "c"}


def task(kind: str, **more: Any) -> Task:
    return Task.model_validate({"kind": kind, "texts": ["t"], "label": "l", "files": FILES, **more})


def rows(seed: int, columns: int, labels: Any, scale: float = 3.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Outputs that are `scale` times as sure as they should be."""
    random = np.random.default_rng(seed)
    logits = random.normal(size=(4000, columns))
    return scale * logits, random.normal(size=(4000, 3)), labels(random, logits)


def several(random: np.random.Generator, logits: np.ndarray) -> np.ndarray:
    there = random.random(logits.shape) < 1 / (1 + np.exp(-logits))
    return np.asarray(there @ 2.0 ** np.arange(logits.shape[1]))


def yes(random: np.random.Generator, logits: np.ndarray) -> np.ndarray:
    return several(random, logits)


@pytest.mark.parametrize(
    ("kind", "of"), [("binary", task("binary")), ("multilabel", task("multilabel", classes=["a", "b", "c"]))]
)
def test_three_times_too_sure_is_a_temperature_of_three(kind: str, of: Task) -> None:
    halves = {split: rows(seed, of.outputs, several) for seed, split in enumerate(("dev", "test"))}
    found = calibrated(of, halves)
    assert found["temperature"] == pytest.approx(3, rel=0.1) and found["judged"] == "test"
    assert found["nll"][1] < found["nll"][0] and found["ece"][1] < 0.03 < found["ece"][0]


def test_without_labels_of_test_dev_judges_and_without_those_of_dev_nobody() -> None:
    of = task("binary")
    dev, test = rows(1, 1, yes), rows(2, 1, yes)
    blank = (*test[:2], np.full(len(test[2]), np.nan))
    assert calibrated(of, {"dev": dev, "test": blank})["judged"] == "dev"
    assert calibrated(of, {"dev": blank, "test": test}) == {}
    assert calibrated(task("regression", range=[0, 5]), {"dev": dev, "test": test}) == {}


def test_the_better_score_on_dev_is_judged_on_test() -> None:
    """Strangers have the vectors of the task's own rows and outputs that are nearly nothing."""
    of, prototypes = task("classification", classes=3), np.eye(3)
    own = {split: rows(seed, 3, lambda random, z: z.argmax(1)) for seed, split in enumerate(("dev", "test"))}
    others: dict[str, Any] = {split: (0.01 * found[0], found[1], found[2]) for split, found in own.items()}
    found = noticed(of, own, others, prototypes)["novelty"]
    assert found["score"] == "energy" and found["auroc"] > 0.7
    alone = noticed(of, own, dict.fromkeys(others), prototypes)["novelty"]
    assert alone["score"] == "distance" and alone["auroc"] is None
    assert noticed(task("regression", range=[0, 5]), own, others, prototypes)["novelty"]["score"] == "distance"


def test_a_question_about_the_same_texts_has_no_strangers() -> None:
    """As relatedness and entailment of one file: its AUROC would be 0.5, and the score chosen by chance."""
    pair = {"kind": "binary", "texts": ["a", "b"]}
    tasks = {
        "mood": task("binary", texts=["a"]),
        "same": task(**pair),
        "title": task("binary", texts=["c"]),
        "other": task(**pair, files={"train": "a2", "dev": "b2", "test": "c2"}),
    }
    assert of_other_texts(tasks, "mood") == ["title", "other"] == of_other_texts(tasks, "same")
    assert of_other_texts(tasks, "title") == ["mood", "same", "other"]


def test_texts_of_another_task_take_its_shape() -> None:
    tokens, offsets = np.arange(6, dtype=np.int32), np.array([0, 1, 3, 6])
    single = TokenTable("sst", [(tokens, offsets)], {}, np.zeros(3), "dev")
    pairs = reshaped(single, "para", 2)
    assert pairs.task == "para" and len(pairs) == 2
    texts = [[tokens[o[k] : o[k + 1]].tolist() for t, o in pairs.sides] for k in range(2)]
    assert texts == [[[0], [1, 2]], [[1, 2], [3, 4, 5]]]
    again = reshaped(TokenTable("para", [(tokens, offsets)] * 2, {}, np.zeros(3), "dev"), "sst", 1)
    assert again.task == "sst" and len(again.sides) == 1 and len(again) == 3


def test_a_figure_of_calibration_is_what_its_room_says() -> None:
    of, halves = task("binary"), {split: rows(3, 1, yes) for split in ("dev", "test")}
    found = calibrated(of, halves)
    likely = 1 / (1 + np.exp(-halves["test"][0][:, 0]))
    assert found["ece"][0] == pytest.approx(
        calibration.ece(np.stack([1 - likely, likely], 1), halves["test"][2]), abs=1e-6
    )


def test_other_tasks_may_have_rows_in_one_split_alone() -> None:
    """As where another task has a test row of one text, and so no pair."""
    of, prototypes = task("classification", classes=3), np.eye(3)
    own = {split: rows(seed, 3, lambda random, z: z.argmax(1)) for seed, split in enumerate(("dev", "test"))}
    found = noticed(of, own, {"dev": own["dev"], "test": None}, prototypes)["novelty"]
    assert found["score"] in ("energy", "distance") and found["auroc"] is None
    assert noticed(of, own, {"dev": None, "test": own["test"]}, prototypes)["novelty"]["score"] == "distance"


@pytest.mark.parametrize("value", [1 / 3, 2 / 3, -1 / 3, 1e-9])
def test_a_threshold_lets_through_what_it_was_taken_from(value: float) -> None:
    """Of equal rows all have the score that is the threshold; rounded down it would let none of them through."""
    of = task("classification", classes=3)
    equal = (np.full((9, 3), value), np.eye(3)[[0] * 9], np.zeros(9))
    found = noticed(of, {"dev": equal, "test": equal}, {"dev": equal, "test": equal}, np.eye(3))["novelty"]
    own = {"energy": novelty.energy(equal[0]), "distance": novelty.distance(equal[1], np.eye(3))}
    assert (own[found["score"]] <= found["threshold"]).all()
