"""Measures of the space, worked by hand."""

import numpy as np
import pytest

from protomtl.steps.embed import probes

MEASURES = ("majority", "linear_probe", "nearest_neighbours", "nearest_prototype")
# Embeddings of class 0, of class 1, and the accuracy of each of MEASURES on these very points.
SPACES = {
    # Far apart on a line: all see it. The larger class has 4 of 7.
    "two groups": ([[0], [1], [2], [3]], [[10], [11], [12]], (4 / 7, 1, 1, 1)),
    # One class on both sides of the other: no line between them, and both means are 0, so that all is class 0.
    "surrounded": ([[-2], [-1], [0], [1], [2]], [[-11], [-10], [-9], [9], [10], [11]], (6 / 11, 6 / 11, 1, 5 / 11)),
    # Beside each other; one far point, nearer to three of the others, moves its mean to (15.6, 0), away from four.
    "an outlier": (
        [[0, 0], [1, 0], [2, 0], [3, 0], [72, 0]],
        [[0, 9], [1, 9], [2, 9], [3, 9], [4, 9], [5, 9]],
        (6 / 11, 1, 10 / 11, 7 / 11),
    ),
}


@pytest.mark.parametrize("name", SPACES)
def test_accuracies_worked_by_hand(name: str) -> None:
    zero, one, expected = SPACES[name]
    points = np.array([*zero, *one], dtype=np.float32), np.array([0] * len(zero) + [1] * len(one))
    found = probes.accuracies(points, points, "euclidean")
    assert {name: found[name] for name in MEASURES} == pytest.approx(dict(zip(MEASURES, expected, strict=True)))


def test_prior_and_scale_worked_by_hand() -> None:
    """Means 0 and 4; three rows of four are of class 0. At 2.2 the nearest mean is that of class 1, by 1.8 to 2.2; with
    a scale below ln 3 / 0.4 = 2.7 the prior decides for class 0, and the likeliest scale on these dev rows is lower."""
    train = np.array([[-1.0], [0.0], [1.0], [4.0]], dtype=np.float32), np.array([3, 3, 3, 5])
    dev = np.array([[0.0], [2.2], [2.5], [4.0], [-1.0]], dtype=np.float32), np.array([3, 3, 3, 5, 5])
    found = probes.accuracies(train, dev, "euclidean")
    assert found["nearest_prototype"] == pytest.approx(2 / 5) and found["prior_and_scale"] == pytest.approx(3 / 5)


def test_accuracies_are_of_dev_rows_by_what_training_rows_say() -> None:
    line = np.array([[0.0], [1.0], [10.0], [11.0], [12.0]], dtype=np.float32)
    train, dev = (line, np.array([0, 0, 1, 1, 1])), (line[1:3], np.array([1, 1]))
    # Of five rows the five nearest are all of them: their vote is the majority's.
    found = probes.accuracies(train, dev, "euclidean")
    assert [found[name] for name in MEASURES] == [1.0, 0.5, 1.0, 0.5]
