"""An exported encoder as the first step of scikit-learn's pipelines."""

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from protomtl.inference.loading import load
from protomtl.inference.rows import BLOCK


class TextEncoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Texts to vectors, by a model that `protomtl export` wrote: the first step of a Pipeline.

    folder: of an export, or ORG/NAME@REVISION of the Hugging Face hub. normalize: to length 1. batch_size: texts that
    are encoded at a time.
    """

    def __init__(self, folder: str, normalize: bool = False, batch_size: int = BLOCK) -> None:
        self.folder = folder
        self.normalize = normalize
        self.batch_size = batch_size

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: N803
        """Load the model; nothing is learned. TypeError for what is no list of texts."""
        refuse_text(X)
        self.model_ = load(self.folder)
        self._n_features_out = self.model_.width  # by it scikit-learn names the columns (`set_output`)
        return self

    def transform(self, X: Any) -> np.ndarray:  # noqa: N803
        """[n, width] of n texts."""
        check_is_fitted(self)
        refuse_text(X)
        return np.asarray(
            self.model_.encode(X, batch_size=self.batch_size, normalize_embeddings=self.normalize), np.float32
        )

    def __sklearn_tags__(self) -> Any:
        """scikit-learn's checks of tables of numbers are none of ours: X is one text a row, and fit learns nothing."""
        tags = super().__sklearn_tags__()
        tags.input_tags.string, tags.input_tags.two_d_array = True, False
        tags.input_tags.one_d_array = True
        return tags


def refuse_text(texts: Any) -> None:
    """TypeError for a text by itself: it is no list of rows, as scikit-learn's own readers of texts say, too."""
    if isinstance(texts, str):
        raise TypeError("a list of texts is needed, not one text")
