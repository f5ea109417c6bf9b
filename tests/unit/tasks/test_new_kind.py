"""A kind of task stands in `tasks`: what other rooms do with one that they have never heard of follows from it."""

import re

import numpy as np
import pytest

from protomtl import novelty
from protomtl.inference import answers
from protomtl.perturbations.kinds import fits
from protomtl.steps.export import copies
from protomtl.tasks.kind import Kind, Labels
from protomtl.tasks.kinds import KINDS, Regression
from protomtl.tasks.settings import Files, Task
from tests.support.imports import PACKAGE

FILES = Files(train="train.csv", dev="dev.csv", test="test.csv")


class Levels(Kind):
    """Classes in an order, of which a head gives whether a row is above each but the last (Cao et al. 2020)."""

    def outputs(self, task: Labels) -> int:
        return len(self.names(task)) - 1

    def class_logits(self, outputs: np.ndarray) -> np.ndarray:
        above = np.pad(1 / (1 + np.exp(-outputs)), ((0, 0), (1, 1)), constant_values=((0, 0), (1, 0)))
        return np.asarray(np.log(above[:, :-1] - above[:, 1:]))


@pytest.fixture
def levels(monkeypatch: pytest.MonkeyPatch) -> Task:
    monkeypatch.setitem(KINDS, "levels", Levels())  # type: ignore[misc]
    own = Task(kind="classification", classes=["low", "middle", "high"], texts=["t"], label="l", files=FILES)
    return own.model_copy(update={"kind": "levels"})


def test_an_export_reads_outputs_as_the_kind_says(levels: Task) -> None:
    """Logits 0 and -log 3 are P(above low) = 1/2 and P(above middle) = 1/4."""
    outputs = np.array([[0.0, -np.log(3)], [-np.log(3), -np.log(7)]])
    likely = np.array([[1 / 2, 1 / 4, 1 / 4], [3 / 4, 1 / 8, 1 / 8]])
    assert answers.scores(levels, outputs, 1.0) == pytest.approx(likely)
    assert answers.labels(levels, likely).tolist() == ["low", "low"]
    assert copies.scores(levels, outputs) == pytest.approx(np.log(likely))
    assert novelty.energy(levels.what.class_logits(outputs)) == pytest.approx([0, 0])  # they are probabilities


def test_another_kind_of_values_has_a_range_and_is_stressed_and_worsened_as_values_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(KINDS, "counts", Regression())  # type: ignore[misc]
    values = Task(kind="regression", range=(0, 5), texts=["a", "b"], label="l", files=FILES)
    counts = values.model_copy(update={"kind": "counts"})
    assert counts.labels_are_defined() == counts  # a range is no mistake
    with pytest.raises(ValueError, match="`range` belongs to kind"):
        counts.model_copy(update={"range": None}).labels_are_defined()
    assert fits(counts, "meaning") and fits(counts.model_copy(update={"texts": ["a"]}), "opinion")
    assert counts.what.neighbours and not counts.what.yes_or_no


def test_no_other_room_asks_for_kinds_by_name() -> None:
    """`own_data` proposes them."""
    named = {
        f"{path.relative_to(PACKAGE)}: {line.strip()}"
        for path in PACKAGE.rglob("*.py")
        if path.relative_to(PACKAGE).parts[0] not in ("tasks", "own_data")
        for line in path.read_text().splitlines()
        if re.search(r"""\bkind (==|!=|in|not in) .*["'](classification|binary|regression|multilabel)["']""", line)
    }
    assert not named
