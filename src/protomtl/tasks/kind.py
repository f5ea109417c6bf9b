"""What is to be known of a kind of task, as far as no tensor is needed: labels, outputs, predictions, figures, words.

Labels are classes here; kinds.py has what is different elsewhere.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from protomtl.tasks.figures import MetricName
from protomtl.tasks.labels import Names, class_of, wanted


class Labels(Protocol):
    """What a kind must know of a task."""

    @property
    def classes(self) -> int | Sequence[str] | None: ...

    @property
    def range(self) -> tuple[float, float] | None: ...


class Kind:
    """Labels that are classes, numbered from 0; values override what is different for them."""

    has_classes = True
    one_class = True  # a row has one of them: there are nearest prototypes and confusions
    yes_or_no = False  # there are two classes, and the labels say whether something is so
    neighbours = False  # each label has one beside it, also where `ordered` does not say so
    stored = "<f4"  # how the token cache keeps labels
    form = "g"  # how a label is written into files
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

    def prototypes(self, task: Labels) -> Names:
        """The names of the classes that have prototypes, from the smallest."""
        return self.names(task)

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

    def shown(self, task: Labels, label: float) -> str | int:
        """A label or a prediction, for people: the name of its class."""
        return self.names(task)[int(label)]

    def class_of(self, label: float) -> int:
        """The class of a label, in the numbers of the labels."""
        return int(label)

    def bins(self, task: Labels, label: float) -> list[int]:
        """The classes that a label counts for in the report of the data, of a kind that has classes."""
        return [int(label)]

    def targets(self, task: Labels, labels: np.ndarray) -> np.ndarray:
        """Labels [n] as metrics.py takes them: [n]."""
        return labels

    def members(self, task: Labels, labels: np.ndarray) -> np.ndarray:
        """[n, classes] 1 where a row has the class."""
        return np.asarray(labels[:, None] == np.arange(len(self.names(task))), dtype=float)

    def right(self, task: Labels, scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """[…, n, 1] the score that what is right has, of scores […, n, classes] and labels [n]."""
        return np.take_along_axis(scores, np.broadcast_to(labels.astype(int)[:, None], (*scores.shape[:-1], 1)), -1)

    def written(self, labels: np.ndarray) -> np.ndarray:
        """[n] labels or predictions as files have them."""
        return np.array([float(f"{label:{self.form}}") for label in labels.tolist()])

    def class_logits(self, outputs: np.ndarray) -> np.ndarray:
        """[n, classes] of a head's outputs [n, outputs], for what reads them without tensors.py: an export."""
        return outputs

    def predictions(self, scores: np.ndarray) -> np.ndarray:
        """[n] labels of the scores [n, classes]."""
        return np.asarray(scores.argmax(1))
