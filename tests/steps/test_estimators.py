"""Texts through an exported encoder in scikit-learn's pipelines."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from joblib.externals.loky import get_reusable_executor
from sklearn.base import clone
from sklearn.exceptions import NotFittedError, SkipTestWarning
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import (
    check_estimator,
    check_estimator_repr,
    check_estimator_tags_renamed,
    check_get_params_invariance,
    check_no_attributes_set_in_init,
    check_set_params,
    check_valid_tag_types,
)

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


CHECKS = [check_estimator_tags_renamed, check_valid_tag_types, check_estimator_repr, check_no_attributes_set_in_init]
CHECKS += [check_get_params_invariance, check_set_params]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_scikit_learns_checks_that_feed_no_table(check: Callable[[str, Any], None], model: Path) -> None:
    """All others feed tables of numbers; by its tags `check_estimator` excuses an estimator that reads texts of them,
    as it does scikit-learn's own."""
    check("TextEncoder", TextEncoder(str(model)))
    with pytest.warns(SkipTestWarning, match="Can't test estimator TextEncoder which requires input"):
        check_estimator(TextEncoder(str(model)))


def test_fitting_changes_no_parameter_and_says_what_is_missing(model: Path) -> None:
    encoder = TextEncoder(str(model), batch_size=2)
    with pytest.raises(NotFittedError):
        encoder.transform(["a film"])
    before = encoder.get_params()
    assert encoder.fit(["a film"]) is encoder and encoder.get_params() == before
    for call in (encoder.fit, encoder.transform):
        with pytest.raises(TypeError, match="a list of texts is needed, not one text"):
            call("a film")
    assert encoder.get_feature_names_out()[0] == "textencoder0"


def test_two_processes_cross_validate(model: Path) -> None:
    texts, labels = ["good good film", "great good story", "bad dull film", "dull bad story"] * 3, [*"uudd"] * 3
    pipeline = make_pipeline(TextEncoder(str(model)), PrototypeClassifier())
    found = cross_val_score(pipeline, texts, labels, cv=2, n_jobs=2)
    get_reusable_executor().shutdown(wait=True)  # its idle processes would end within some later test
    assert found.tolist() == cross_val_score(pipeline, texts, labels, cv=2).tolist()


def test_a_fitted_pipeline_is_pickled_and_says_the_same(model: Path, tmp_path: Path) -> None:
    texts, labels = ["good film", "great story", "bad film", "dull plot"], ["up", "up", "down", "down"]
    pipeline = make_pipeline(TextEncoder(str(model)), PrototypeClassifier()).fit(texts, labels)
    again = pickle.loads(pickle.dumps(pipeline))  # noqa: S301
    np.testing.assert_array_equal(again.predict_proba(texts), pipeline.predict_proba(texts))
    joblib.dump(pipeline, tmp_path / "pipeline.joblib")
    np.testing.assert_array_equal(
        joblib.load(tmp_path / "pipeline.joblib").predict_proba(texts), pipeline.predict_proba(texts)
    )


def test_the_columns_of_a_data_frame_are_named(model: Path) -> None:
    encoder = TextEncoder(str(model)).set_output(transform="pandas").fit(["a film"])
    frame = encoder.transform(["a good film", "a cat"])
    assert [*frame.columns] == [f"textencoder{k}" for k in range(32)] and len(frame) == 2
    pipeline = make_pipeline(TextEncoder(str(model)), PrototypeClassifier()).set_output(transform="pandas")
    assert pipeline.fit(["good", "bad"], ["up", "down"]).predict(["good"]) == ["up"]
