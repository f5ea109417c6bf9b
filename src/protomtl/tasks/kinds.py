"""What a kind of task means, as far as no tensor is needed: labels, outputs, predictions, figures, words.

The other half, losses and probabilities, is tensors.py. A kind is an entry of KINDS here and of MEANINGS there.
"""

import math
from collections.abc import Sequence
from typing import Literal, Protocol

import numpy as np

from protomtl.tasks.figures import MetricName
from protomtl.tasks.labels import YES_NO, Names, class_of, number, wanted

KindName = Literal["classification", "binary", "regression"]


class Labels(Protocol):
    """What a kind must know of a task."""

    @property
    def classes(self) -> int | Sequence[str] | None: ...

    @property
    def range(self) -> tuple[float, float] | None: ...


class Kind:
    """Labels that are classes, numbered from 0; values override what is different for them."""

    has_classes = True
    # What `metric` may name, the default first; and what is shown whichever of them counts.
    metrics: tuple[MetricName, ...] = ("accuracy", "macro_f1", "balanced_accuracy", "mcc")
    beside: tuple[MetricName, ...] = ("accuracy",)
    submission = "Predicted_Sentiment"  # header of the CS224N default project's submission files

    def names(self, task: Labels) -> Names:
        """Of its classes, in the order of their numbers."""
        return (*range(task.classes),) if isinstance(task.classes, int) else tuple(task.classes or ())

    def words(self, task: Labels) -> str:
        """What the labels are, for the model card."""
        names = self.names(task)
        return f"{len(names)} classes" + (f": {', '.join(map(str, names))}" if isinstance(names[0], str) else "")

    def bounds(self, task: Labels) -> tuple[float, float]:
        """Smallest and largest label."""
        return 0.0, len(self.names(task)) - 1.0

    def outputs(self, task: Labels) -> int:
        """Numbers that a head gives for a row."""
        return len(self.names(task))

    def score_columns(self, task: Labels) -> int:
        """Numbers that `probabilities` gives for a row."""
        return len(self.names(task))

    def read(self, task: Labels, text: str) -> float | None:
        """A label as it stands in a file as a number, or None if it is none of the task's."""
        return class_of(self.names(task), text.strip())

    def wanted(self, task: Labels) -> str:
        """What a label may be, for people."""
        return wanted(self.names(task))

    def shown(self, task: Labels, label: float) -> str:
        """A label or a prediction, for people."""
        return str(self.names(task)[int(label)])

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

    def names(self, task: Labels) -> Names:
        return super().names(task) or YES_NO

    def words(self, task: Labels) -> str:
        return " or ".join(map(str, self.names(task)))

    def outputs(self, task: Labels) -> int:
        return 1


class Regression(Kind):
    """Values within a range; where classes are needed, their rounded values."""

    has_classes = False
    metrics = ("pearson", "spearman", "rmse")
    beside = ("pearson", "spearman")
    submission = "Predicted_Similiary"  # spelled as the course does

    def names(self, task: Labels) -> Names:
        low, high = map(self.class_of, self.bounds(task))
        return (*range(low, high + 1),)

    def words(self, task: Labels) -> str:
        return self.wanted(task).removeprefix("from ")

    def bounds(self, task: Labels) -> tuple[float, float]:
        low, high = task.range or (-math.inf, math.inf)
        return low, high

    def outputs(self, task: Labels) -> int:
        return 1

    def score_columns(self, task: Labels) -> int:
        return 1

    def read(self, task: Labels, text: str) -> float | None:
        low, high = self.bounds(task)
        value = number(text)
        return value if value is not None and low <= value <= high else None

    def wanted(self, task: Labels) -> str:
        low, high = self.bounds(task)
        return f"from {low:g} to {high:g}"

    def shown(self, task: Labels, label: float) -> str:
        return f"{label:g}"

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
