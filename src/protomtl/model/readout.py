"""What prototypes say with a prior and a scale: the logit of class k is -τ d(q, c_k) + log π_k.

The paper's plain reading, the nearest prototype (prototypes.predict), has neither: it takes classes for equally
frequent, and its probabilities for as certain as the unit of length happens to make them.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from safetensors.torch import save as serialize
from torch import Tensor
from torch.nn import functional

from protomtl.model.prototypes import all_prototypes, pairwise_similarity
from protomtl.tasks.settings import Task

LOG_SCALES = (-14.0, 14.0)  # between which log τ is looked for


class Readout(NamedTuple):
    """Prototypes of all classes of a task, what each weighs, and the scale of the distance.

    prototypes: [k, d], and zeros for a class without an example; log_prior: [k], -inf for such a class.
    """

    prototypes: Tensor
    log_prior: Tensor
    distance: str
    scale: float  # τ

    def logits(self, embeddings: Tensor) -> Tensor:
        """[n, k] of embeddings [n, d]."""
        return self.scale * pairwise_similarity(embeddings, self.prototypes, self.distance) + self.log_prior

    def probabilities(self, embeddings: Tensor) -> Tensor:
        """[n, k]; of values that are read as classes, their mean is the prediction (`expected`)."""
        return self.logits(embeddings).softmax(1)

    def nearest(self, embeddings: Tensor) -> Tensor:
        """[n] class of the nearest prototype, without prior and scale: the paper's plain reading (report §4.3)."""
        far = self.log_prior == -torch.inf  # no example, so no prototype
        return pairwise_similarity(embeddings, self.prototypes, self.distance).masked_fill(far, -torch.inf).argmax(1)

    def linear(self) -> tuple[Tensor, Tensor]:
        """Weight [k, d] and bias [k] of the linear layer that is the same readout, of squared distances.

        -τ|q - c|² = 2τ c·q - τ|c|² - τ|q|², and the last term is the same for each class (Snell et al. 2017, §2.3).
        """
        if self.distance != "squared_euclidean":
            raise ValueError(f"distance={self.distance!r}: only of squared_euclidean is the readout linear")
        return 2 * self.scale * self.prototypes, self.log_prior - self.scale * self.prototypes.square().sum(1)


def fit(examples: Tensor, labels: Tensor, classes: int, dev: Tensor, dev_labels: Tensor, distance: str) -> Readout:
    """Prototypes and class frequencies of training rows, and the scale that is likeliest on dev.

    examples: [n, d] float32; labels: [n] 0 .. classes - 1; dev, dev_labels: the same of dev rows.
    """
    present, counts = torch.unique(labels, return_counts=True)
    prototypes = all_prototypes(examples, labels, classes).nan_to_num()
    log_prior = examples.new_full((classes,), -torch.inf)
    log_prior[present] = (counts / counts.sum()).log()
    known = torch.isin(dev_labels, present)  # no scale makes an absent class likelier
    similarities = pairwise_similarity(dev[known], prototypes, distance)
    return Readout(prototypes, log_prior, distance, likeliest_scale(similarities, log_prior, dev_labels[known]))


def likeliest_scale(similarities: Tensor, log_prior: Tensor, labels: Tensor) -> float:
    """τ with the smallest cross entropy of τ · similarities [n, k] + log_prior [k] on labels [n]; 1 without a row.

    The logits are affine in τ, so the cross entropy is convex in it and has one minimum.
    """
    from scipy.optimize import minimize_scalar  # heavy

    if not len(labels):
        return 1.0
    near, prior = similarities.double(), log_prior.double()

    def cross_entropy(log_scale: float) -> float:
        return functional.cross_entropy(float(np.exp(log_scale)) * near + prior, labels).item()

    found = minimize_scalar(cross_entropy, bounds=LOG_SCALES, method="bounded", options={"xatol": 1e-4})
    return float(np.exp(found.x))


def predictions(task: Task, probabilities: Tensor) -> np.ndarray:
    """[n] the likeliest class, or of a regression task the mean of its values, under probabilities [n, k]."""
    if task.what.has_classes:
        return np.asarray(probabilities.argmax(1).cpu().numpy())
    return np.asarray(expected(probabilities, task.what.class_of(task.bounds[0])).cpu().numpy())


def expected(probabilities: Tensor, lowest: int) -> Tensor:
    """[n] mean Σ k p_k of the values lowest, lowest + 1, … under probabilities [n, k]."""
    values = torch.arange(lowest, lowest + probabilities.shape[1], device=probabilities.device)
    return probabilities @ values.to(probabilities)


def readable(tasks: Mapping[str, Task]) -> dict[str, Task]:
    """The tasks that prototypes can predict: of one class a row, and of values."""
    return {name: task for name, task in tasks.items() if task.what.one_class or not task.what.has_classes}


def save(readouts: Mapping[str, Readout], distance: str, path: Path) -> None:
    """Write the readout of each task; all have one distance."""
    tensors = {f"{name}.prototypes": found.prototypes for name, found in readouts.items()}
    tensors |= {f"{name}.log_prior": found.log_prior for name, found in readouts.items()}
    tensors |= {f"{name}.scale": torch.tensor(found.scale, dtype=torch.float64) for name, found in readouts.items()}
    plain = {name: value.cpu().contiguous() for name, value in tensors.items()}
    path.write_bytes(serialize(plain, {"distance": distance}))


def load(path: Path, tasks: Mapping[str, Task]) -> dict[str, Readout]:
    """What `save` wrote of the readable ones of these tasks. SystemExit for damage, and for that of another model."""
    tasks = readable(tasks)
    try:
        tensors = load_file(path)
        with safe_open(path, framework="pt") as file:
            distance = (file.metadata() or {})["distance"]
        found = {
            name: Readout(tensors[f"{name}.prototypes"], tensors[f"{name}.log_prior"], distance, scale)
            for name, scale in ((name, tensors[f"{name}.scale"].item()) for name in tasks)
        }
    except (OSError, SafetensorError, KeyError) as error:
        raise SystemExit(f"{path}: cannot be read as the readout of {', '.join(tasks)}: {error}") from None
    if any(len(found[name].log_prior) != task.number_of_classes for name, task in tasks.items()):
        raise SystemExit(f"{path}: is not of the model beside it; export it again")
    return found
