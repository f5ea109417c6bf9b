"""Classes from a few labelled examples each: prototypical networks as scikit-learn estimators."""

import sys
from numbers import Real
from typing import Any, Literal, Self

import numpy as np
import torch
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets, unique_labels
from sklearn.utils.validation import check_is_fitted, validate_data

from protomtl.model.prototypes import DISTANCES, pairwise_similarity
from protomtl.model.readout import likeliest_scale

PRIORS = ("uniform", "examples")


class PrototypeClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Classify vectors by their distance to the mean of each class (Snell et al. 2017; report §4.3).

    distance: euclidean, squared_euclidean or cosine. temperature: probabilities are the softmax of the negative
    distances, or of the cosines, divided by it; `likeliest_temperature` finds one. prior: `uniform` takes classes for
    equally frequent, as both papers do, `examples` for as frequent as their examples. Nothing is trained: examples are
    added up.

    Fitted: classes_ [k]; counts_ [k] examples of each; prototypes_ [k, features] their means.
    """

    def __init__(
        self,
        distance: Literal["euclidean", "squared_euclidean", "cosine"] = "euclidean",
        temperature: float = 1.0,
        prior: Literal["uniform", "examples"] = "uniform",
    ) -> None:
        self.distance = distance
        self.temperature = temperature
        self.prior = prior

    def fit(self, X: Any, y: Any) -> Self:  # noqa: N803
        """X: [n, features]; y: [n] labels of any type. ValueError for a single class, and for bad settings."""
        self.check_settings()
        X, y = validate_data(self, X, y, dtype=np.float64)  # noqa: N806
        check_classification_targets(y)
        if len(unique_labels(y)) < 2:
            raise ValueError(f"examples of at least two classes are needed, but there is one class: {y[0]}")
        return self.begin(unique_labels(y), X.shape[1]).add(X, y)

    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> Self:  # noqa: N803
        """Add examples to the means; a label that is new adds its class.

        classes: labels that will come, with or without an example now, as scikit-learn has it; none is needed.
        """
        self.check_settings()
        first = not hasattr(self, "classes_")
        X, y = validate_data(self, X, y, reset=first, dtype=np.float64)  # noqa: N806
        check_classification_targets(y)
        if first:
            self.begin(unique_labels(y), X.shape[1])
        return self.widen(unique_labels(self.classes_, y, [] if classes is None else classes)).add(X, y)

    def check_settings(self) -> None:
        """ValueError for a distance or a prior that there is not, and for a temperature that is no number above 0."""
        if self.distance not in DISTANCES:
            raise ValueError(f"distance={self.distance!r}: must be one of {', '.join(DISTANCES)}")
        warm = isinstance(self.temperature, Real) and not isinstance(self.temperature, bool)
        if not warm or not 0 < self.temperature <= sys.float_info.max:
            raise ValueError(f"temperature={self.temperature!r}: must be a finite number above 0")
        if self.prior not in PRIORS:
            raise ValueError(f"prior={self.prior!r}: must be one of {', '.join(PRIORS)}")

    def begin(self, classes: np.ndarray, features: int) -> Self:
        """Without an example yet."""
        self.classes_ = classes
        self.counts_ = np.zeros(len(classes))
        self.prototypes_ = np.zeros((len(classes), features))
        return self

    def widen(self, classes: np.ndarray) -> Self:
        """To more classes, among them all of before; the new ones are without an example yet."""
        before, counts, prototypes = self.classes_, self.counts_, self.prototypes_
        place = np.searchsorted(classes, before)
        self.begin(classes, prototypes.shape[1])
        self.counts_[place], self.prototypes_[place] = counts, prototypes
        return self

    def add(self, vectors: np.ndarray, labels: np.ndarray) -> Self:
        """Move the means: [n, features] and [n]."""
        place = np.searchsorted(self.classes_, labels)
        sums = self.prototypes_ * self.counts_[:, None]
        np.add.at(sums, place, vectors)
        self.counts_ = self.counts_ + np.bincount(place, minlength=len(self.classes_))
        self.prototypes_ = sums / np.maximum(self.counts_, 1)[:, None]
        return self

    def similarities(self, X: Any) -> np.ndarray:  # noqa: N803
        """[n, classes] the negative distances, or the cosines."""
        check_is_fitted(self)
        self.check_settings()  # set_params may have changed them
        X = validate_data(self, X, reset=False, dtype=np.float64)  # noqa: N806
        a, b = X.copy(), self.prototypes_.copy()  # torch takes no negative strides and warns of what is read-only
        if self.distance == "cosine":
            a, b = moderate(a), moderate(b)
        return pairwise_similarity(torch.from_numpy(a), torch.from_numpy(b), self.distance).numpy()

    def log_prior(self) -> np.ndarray:
        """[classes], up to a constant; -inf for a class without an example."""
        with np.errstate(divide="ignore"):
            return np.log(self.counts_ / self.counts_.sum() if self.prior == "examples" else self.counts_ > 0)

    def nearness(self, X: Any) -> np.ndarray:  # noqa: N803
        """[n, classes] how near each prototype is, and how frequent; -inf for a class without an example. ValueError
        where that is beyond the largest number."""
        with np.errstate(over="ignore"):
            near = self.similarities(X) / float(self.temperature)
        if not np.isfinite(near).all():
            raise ValueError(
                f"temperature={self.temperature!r}: distances over it are beyond the largest number, so that no class "
                "is the nearest; scale X down, or take a higher temperature"
            )
        return np.asarray(near + self.log_prior())

    def likeliest_temperature(self, X: Any, y: Any) -> float:  # noqa: N803
        """The temperature under which labels [n] of held-out rows [n, features] are likeliest; nothing is changed."""
        near, labels = self.similarities(X), np.asarray(y)
        if unknown := set(unique_labels(labels)) - set(self.classes_[self.counts_ > 0]):
            raise ValueError(f"labels without an example: {', '.join(map(str, sorted(unknown)))}")
        place = torch.from_numpy(np.searchsorted(self.classes_, labels))
        return 1 / likeliest_scale(torch.from_numpy(near), torch.from_numpy(self.log_prior()), place)

    def predict_proba(self, X: Any) -> np.ndarray:  # noqa: N803
        """[n, classes] probabilities."""
        with np.errstate(under="ignore"):  # a program may raise for it; here it is a probability of 0
            return np.asarray(softmax(self.nearness(X), axis=1))

    def predict(self, X: Any) -> np.ndarray:  # noqa: N803
        """[n] labels."""
        near = self.nearness(X)
        return np.asarray(self.classes_[near.argmax(1)])


def moderate(rows: np.ndarray) -> np.ndarray:
    """Rows [n, features] that are very long or short, divided by a power of two, which no cosine sees: their squares
    would be infinite, and torch takes what is shorter than 1e-12 for 0."""
    exponent = np.frexp(np.abs(rows).max(1, keepdims=True, initial=0.0))[1]
    return np.asarray(np.where(np.abs(exponent) > 30, np.ldexp(rows, -exponent), rows))
