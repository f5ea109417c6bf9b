"""Texts through an exported encoder in scikit-learn's pipelines."""

import pickle
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


def test_a_fitted_pipeline_is_pickled_and_says_the_same(model: Path) -> None:
    texts, labels = ["good film", "great story", "bad film", "dull plot"], ["up", "up", "down", "down"]
    pipeline = make_pipeline(TextEncoder(str(model)), PrototypeClassifier()).fit(texts, labels)
    again = pickle.loads(pickle.dumps(pipeline))  # noqa: S301
    np.testing.assert_array_equal(again.predict_proba(texts), pipeline.predict_proba(texts))


def test_the_columns_of_a_data_frame_are_named(model: Path) -> None:
    encoder = TextEncoder(str(model)).set_output(transform="pandas").fit(["a film"])
    frame = encoder.transform(["a good film", "a cat"])
    assert [*frame.columns] == [f"textencoder{k}" for k in range(32)] and len(frame) == 2
    pipeline = make_pipeline(TextEncoder(str(model)), PrototypeClassifier()).set_output(transform="pandas")
    assert pipeline.fit(["good", "bad"], ["up", "down"]).predict(["good"]) == ["up"]
