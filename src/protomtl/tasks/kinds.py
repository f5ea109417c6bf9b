"""The kinds of tasks: what each does otherwise than classes of which a row has one (kind.py).

The other half, losses and probabilities, is tensors.py. A kind is an entry of KINDS here and of MEANINGS there.
"""

import math
import re
from collections.abc import Iterable
from typing import Literal

import numpy as np

from protomtl.tasks.kind import Kind, Labels
from protomtl.tasks.labels import YES_NO, Names, number

SEPARATORS = r"[;|]"  # between the classes of a row
BETWEEN = "; "  # the same where rows are written
NONE = "none"  # a row without a class


def in_one(parts: Iterable[str]) -> str:
    """A list as one field, of which kind multilabel reads as many classes: none of them is cut in two."""
    return BETWEEN.join(re.sub(rf"\s*{SEPARATORS}\s*", "/", part) for part in parts)


KindName = Literal["classification", "binary", "regression", "multilabel"]


class Binary(Kind):
    """No or yes: one output, the logit of yes."""

    yes_or_no = neighbours = True
    submission = "Predicted_Is_Paraphrase"

    def names(self, task: Labels) -> Names:
        return super().names(task) or YES_NO

    def words(self, task: Labels) -> str:
        return " or ".join(map(str, self.names(task)))

    def outputs(self, task: Labels) -> int:
        return 1

    def class_logits(self, outputs: np.ndarray) -> np.ndarray:
        """[n, 2] the one output is the difference of two logits whose mean is 0. Where it is infinite, since training
        rows had one class alone, the other class is impossible."""
        logits = np.concatenate([-outputs / 2, outputs / 2], axis=1)
        return np.where(logits == np.inf, 0, logits)


class Regression(Kind):
    """Values within a range; where classes are needed, their rounded values."""

    has_classes = one_class = False
    neighbours = True
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

    def predictions(self, scores: np.ndarray) -> np.ndarray:
        """[n] values of [n, 1]."""
        return scores[:, 0]


class Multilabel(Kind):
    """Any number of classes a row, none too. A label is the number whose bits, from the lowest, are its classes."""

    one_class = False
    neighbours = True  # one class more or less
    stored, form = "<f8", ".0f"  # exact up to 53 classes
    metrics = ("macro_f1", "accuracy")  # accuracy: of whole sets

    def words(self, task: Labels) -> str:
        return f"any of {super().words(task)}"

    def prototypes(self, task: Labels) -> Names:
        """A row stands for the first of its classes."""
        return (NONE, *self.names(task))

    def bounds(self, task: Labels) -> tuple[float, float]:
        return 0.0, 2.0 ** len(self.names(task)) - 1

    def read(self, task: Labels, text: str) -> float | None:
        parts = [part.strip() for part in re.split(SEPARATORS, text) if part.strip()]
        found = {super(Multilabel, self).read(task, part) for part in parts if part.casefold() != NONE}
        return None if None in found else float(sum(1 << int(k) for k in found if k is not None))

    def wanted(self, task: Labels) -> str:
        return f"{super().wanted(task)}, several between semicolons or bars"

    def classes_of(self, label: float) -> list[int]:
        return [k for k in range(int(label).bit_length()) if int(label) >> k & 1]

    def shown(self, task: Labels, label: float) -> str:
        return "; ".join(str(self.names(task)[k]) for k in self.classes_of(label)) or NONE

    def class_of(self, label: float) -> int:
        """The first; -1 for none."""
        return next(iter(self.classes_of(label)), -1)

    def bins(self, task: Labels, label: float) -> list[int]:
        return self.classes_of(label)

    def targets(self, task: Labels, labels: np.ndarray) -> np.ndarray:
        """[n, classes] 0 or 1."""
        return self.members(task, labels)

    def members(self, task: Labels, labels: np.ndarray) -> np.ndarray:
        return np.asarray(labels.astype(np.int64)[:, None] >> np.arange(len(self.names(task))) & 1, dtype=float)

    def right(self, task: Labels, scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """[…, n, classes] the probability that each class is rightly there or not."""
        return np.where(self.members(task, labels) > 0, scores, 1 - scores)

    def predictions(self, scores: np.ndarray) -> np.ndarray:
        """[n] the set of classes that are likelier than not."""
        return np.asarray((scores > 0.5) @ 2.0 ** np.arange(scores.shape[1]))


KINDS: dict[str, Kind] = {
    "classification": Kind(),
    "binary": Binary(),
    "regression": Regression(),
    "multilabel": Multilabel(),
}
