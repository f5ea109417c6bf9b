"""Scores of novelty by hand."""

import math

import numpy as np
import pytest

from protomtl import novelty
from protomtl.calibration import softened
from protomtl.tasks.kinds import KINDS


def test_energy_by_hand() -> None:
    logits = np.array([[math.log(2), math.log(3)], [0, 0]])
    assert novelty.energy(logits) == pytest.approx([-math.log(5), -math.log(2)])
    assert novelty.energy(logits, several=True) == pytest.approx([-math.log(12), -math.log(4)])
    half = -math.log(2 + 1 / 2)  # of logits log 4: both halves are ± log 2, and no is as sure as yes
    yes = np.array([[math.log(4)], [-math.log(4)]])
    assert novelty.energy(KINDS["binary"].class_logits(yes)) == pytest.approx([half, half])


def test_distance_is_that_to_the_nearest_prototype_that_there_is() -> None:
    prototypes = np.array([[1.0, 0], [0, 2], [np.nan, np.nan]])
    found = novelty.distance(np.array([[3.0, 0], [1, 1], [-1, 0], [0, 0]]), prototypes)
    assert found == pytest.approx([0, 1 - math.sqrt(0.5), 1, 1])


def test_of_twenty_scores_the_largest_is_above_the_threshold() -> None:
    assert novelty.threshold(np.arange(21.0)) == 19
    assert novelty.threshold(np.arange(12.0)) == 11  # of few scores it lets all through, not fewer than 0.95


def test_a_class_that_all_have_says_nothing_of_a_row() -> None:
    logits = np.array([[1.0, -2.0], [0.5, 3.0]])
    for never in (-np.inf, np.inf):
        beside = np.concatenate([logits, np.full((2, 1), never)], axis=1)
        np.testing.assert_allclose(novelty.energy(beside, True), novelty.energy(logits, True))


def test_of_one_class_in_training_the_other_is_impossible() -> None:
    """A linear discriminant of one class has an infinite bias."""
    logits = KINDS["binary"].class_logits(np.array([[np.inf], [-np.inf], [2.0]]))
    assert logits.tolist() == [[-np.inf, 0], [0, -np.inf], [-1, 1]]
    assert softened(logits[:2]).tolist() == [[0, 1], [1, 0]]
    assert np.isfinite(novelty.energy(logits[:2])).all()
