"""What a kind of task means, as far as no tensor is needed: labels, outputs, predictions, figures, words.

The other half, losses and probabilities, is tensors.py. A kind is an entry of KINDS here and of MEANINGS there.
"""

import math
from typing import Literal, Protocol

import numpy as np

KindName = Literal["classification", "binary", "regression"]


class Labels(Protocol):
    """What a kind must know of a task."""

    @property
    def classes(self) -> int | None: ...

    @property
    def range(self) -> tuple[float, float] | None: ...


class Kind:
    """Labels that are classes, numbered from 0; values override what is different for them."""

    has_classes = True
    metrics: tuple[str, ...] = ("accuracy",)  # names in metrics.py; the first one counts for `overall`
    submission = "Predicted_Sentiment"  # header of the CS224N default project's submission files
    words = "{classes} classes, accuracy"  # for the model card

    def bounds(self, task: Labels) -> tuple[float, float]:
        """Smallest and largest label."""
        return 0.0, self.outputs(task) - 1.0

    def outputs(self, task: Labels) -> int:
        """Numbers that a head gives for a row."""
        return task.classes or 1

    def score_columns(self, task: Labels) -> int:
        """Numbers that `probabilities` gives for a row."""
        return self.outputs(task)

    def is_label(self, value: float) -> bool:
        """Whether a number can be a label, its bounds aside."""
        return value.is_integer()

    def class_of(self, label: float) -> int:
        """The class of a label, in the numbers of the labels."""
        return int(label)

    def bin(self, task: Labels, label: float) -> int:
        """Where a label counts in the histogram of the data report."""
        return int(label)

    def predictions(self, scores: np.ndarray) -> np.ndarray:
        """[n] labels of the scores [n, classes]."""
        return np.asarray(scores.argmax(1))


class Binary(Kind):
    """No or yes: one output, the logit of yes."""

    submission = "Predicted_Is_Paraphrase"
    words = "yes or no, accuracy"

    def bounds(self, task: Labels) -> tuple[float, float]:
        return 0.0, 1.0

    def outputs(self, task: Labels) -> int:
        return 1

    def score_columns(self, task: Labels) -> int:
        return 2


class Regression(Kind):
    """Values within a range; where classes are needed, their rounded values."""

    has_classes = False
    metrics = ("pearson", "spearman")
    submission = "Predicted_Similiary"  # spelled as the course does
    words = "{range[0]:g} to {range[1]:g}, Pearson correlation"

    def bounds(self, task: Labels) -> tuple[float, float]:
        low, high = task.range or (-math.inf, math.inf)
        return low, high

    def outputs(self, task: Labels) -> int:
        return 1

    def is_label(self, value: float) -> bool:
        return True

    def class_of(self, label: float) -> int:
        """Rounded, halves away from zero (0.5 -> 1, 2.5 -> 3, -0.5 -> -1), as the report rounds STS scores (§4.3)."""
        return int(math.copysign(math.floor(abs(label) + 0.5), label))

    def bin(self, task: Labels, label: float) -> int:
        """The unit bin; the largest label belongs to the last one."""
        return min(math.floor(label), math.ceil(self.bounds(task)[1]) - 1)

    def predictions(self, scores: np.ndarray) -> np.ndarray:
        """[n] values of [n, 1]."""
        return scores[:, 0]


KINDS: dict[str, Kind] = {"classification": Kind(), "binary": Binary(), "regression": Regression()}
