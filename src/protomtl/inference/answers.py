"""What the outputs of a head mean for people: probabilities, and labels by their names."""

from typing import Any

import numpy as np

from protomtl.calibration import softened
from protomtl.tasks.settings import Task, clipped


def scores(task: Task, outputs: np.ndarray, temperature: float) -> np.ndarray:
    """[n, classes] float32 probabilities; of values [n, 1] these, as they are."""
    if not task.what.has_classes:
        return outputs
    with np.errstate(under="ignore"):  # a program may raise for it; here it is a probability of 0
        return softened(task.what.class_logits(outputs), temperature, not task.what.one_class).astype(np.float32)


def labels(task: Task, found: np.ndarray) -> np.ndarray:
    """[n] what is predicted under `scores`: names of classes, a tuple of them where a row may have several, or values
    within their range."""
    said = task.what.predictions(found)
    if not task.what.has_classes:
        return clipped(task, said)
    if task.what.one_class:
        return np.asarray(np.array(task.class_names)[said.astype(int)])
    return objects([tuple(task.class_names[k] for k in np.flatnonzero(row > 0.5)) for row in found])


def with_unknown(said: np.ndarray, novel: np.ndarray, unknown: Any) -> np.ndarray:
    """[n] labels, and another one where a row is novel."""
    return objects([unknown if new else label for label, new in zip(said.tolist(), novel, strict=True)])


def objects(values: list[Any]) -> np.ndarray:
    """[n] of any values; numpy would make a table of tuples of one length."""
    found = np.empty(len(values), object)
    found[:] = values
    return found
