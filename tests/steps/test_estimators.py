"""Texts through an exported encoder in scikit-learn's pipelines."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from protomtl import PrototypeClassifier, TextEncoder


def test_texts_in_a_pipeline_and_in_a_grid_search(model: Path) -> None:
    texts = ["good good film", "great good story", "good plot great"] * 3 + ["bad dull film", "dull bad story"] * 3
    labels = ["up"] * 9 + ["down"] * 6
    pipeline = make_pipeline(TextEncoder(str(model), normalize=True), PrototypeClassifier())
    assert clone(pipeline).fit(texts, labels).score(texts, labels) == 1
    grid = {"prototypeclassifier__distance": ["euclidean", "cosine"], "prototypeclassifier__temperature": [0.1, 1.0]}
    search = GridSearchCV(pipeline, grid, cv=3, scoring="neg_log_loss").fit(texts, labels)
    assert search.best_params_["prototypeclassifier__temperature"] == 0.1
    norms = np.linalg.norm(TextEncoder(str(model), normalize=True).fit(texts).transform(texts), axis=1)
    assert norms == pytest.approx(1)
