"""Prototypes as a scikit-learn estimator: its own checks, and sums by hand."""

import math
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss
from sklearn.neighbors import NearestCentroid
from sklearn.utils.estimator_checks import parametrize_with_checks

from protomtl import PrototypeClassifier


@parametrize_with_checks([PrototypeClassifier(), PrototypeClassifier(prior="examples")])
def test_scikit_learn_takes_it_for_an_estimator(estimator: PrototypeClassifier, check) -> None:  # type: ignore[no-untyped-def]
    check(estimator)


def test_worked_by_hand() -> None:
    """Prototypes at 0 and 3; at 1 the distances are 1 and 2, and e⁻¹ / (e⁻¹ + e⁻²) = 0.7311."""
    x, y = [[-1.0], [1.0], [3.0]], ["no", "no", "yes"]
    classifier = PrototypeClassifier().fit(x, y)
    assert classifier.prototypes_.tolist() == [[0.0], [3.0]] and classifier.counts_.tolist() == [2, 1]
    assert classifier.predict([[1.0], [2.0]]).tolist() == ["no", "yes"]
    assert classifier.predict_proba([[1.0]])[0] == pytest.approx([0.731059, 0.268941], abs=1e-6)
    warm = PrototypeClassifier(temperature=2.0).fit(x, y)  # e^-0.5 / (e^-0.5 + e^-1)
    assert warm.predict_proba([[1.0]])[0, 0] == pytest.approx(0.622459, abs=1e-6)
    squared = PrototypeClassifier("squared_euclidean").fit(x, y)  # e^-1 / (e^-1 + e^-4)
    assert squared.predict_proba([[1.0]])[0, 0] == pytest.approx(0.952574, abs=1e-6)


def test_a_prior_adds_the_share_of_the_examples() -> None:
    """Prototypes at 0 and 3 of two examples and one; at 1: 2 e⁻¹ / (2 e⁻¹ + e⁻²)."""
    x, y = [[-1.0], [1.0], [3.0]], ["no", "no", "yes"]
    classifier = PrototypeClassifier(prior="examples").fit(x, y)
    assert classifier.predict_proba([[1.0]])[0, 0] == pytest.approx(2 * math.e / (2 * math.e + 1))
    assert classifier.predict([[1.6]]) == ["no"] and PrototypeClassifier().fit(x, y).predict([[1.6]]) == ["yes"]


@pytest.mark.parametrize("prior", ["uniform", "examples"])
def test_no_temperature_of_a_grid_is_likelier(prior: Any) -> None:
    random = np.random.default_rng(3)
    y = random.choice(["a", "b", "c"], 200, p=[0.6, 0.3, 0.1])
    x = random.normal(size=(200, 2)) + 2.0 * (y == "b")[:, None]
    classifier = PrototypeClassifier("squared_euclidean", prior=prior).fit(x[:100], y[:100])
    found = classifier.likeliest_temperature(x[100:], y[100:])
    losses = {
        t: log_loss(y[100:], classifier.set_params(temperature=t).predict_proba(x[100:]))
        for t in np.geomspace(0.1, 50, 400)
    }
    assert found == pytest.approx(min(losses, key=losses.__getitem__), rel=0.02)
    with pytest.raises(ValueError, match=r"labels without an example: d$"):
        classifier.likeliest_temperature([[0.0, 0.0]], ["d"])


def test_the_cosine_does_not_see_lengths() -> None:
    classifier = PrototypeClassifier("cosine").fit([[1.0, 0.0], [0.0, 9.0]], [0, 1])
    assert classifier.predict([[0.2, 0.1], [1.0, 2.0]]).tolist() == [0, 1]


@given(seed=st.integers(0, 1000), classes=st.integers(2, 5), parts=st.integers(1, 4))
def test_in_parts_as_at_once_and_as_the_nearest_centroid(seed: int, classes: int, parts: int) -> None:
    random = np.random.default_rng(seed)
    x, y = (
        random.normal(size=(30, 3)),
        np.concatenate([np.arange(classes), random.integers(classes, size=30 - classes)]),
    )
    whole, pieces = PrototypeClassifier().fit(x, y), PrototypeClassifier()
    for some in np.array_split(random.permutation(30), parts):
        pieces.partial_fit(x[some], y[some], classes=range(classes))
    np.testing.assert_allclose(pieces.prototypes_, whole.prototypes_, atol=1e-12)
    assert (whole.predict(x) == NearestCentroid().fit(x, y).predict(x)).all()


def test_a_class_without_an_example_is_never_predicted() -> None:
    classifier = PrototypeClassifier().partial_fit([[0.0], [1.0]], ["a", "b"], classes=["a", "b", "later"])
    assert classifier.predict_proba([[100.0]])[0, 2] == 0
    assert classifier.partial_fit([[100.0]], ["later"]).predict([[100.0]]) == ["later"]


@given(seed=st.integers(0, 1000))
def test_classes_that_come_later_are_as_if_they_had_been_there(seed: int) -> None:
    random = np.random.default_rng(seed)
    x, y = random.normal(size=(24, 3)), random.permutation([*"abcd"] * 6)
    whole, later = PrototypeClassifier(prior="examples").fit(x, y), PrototypeClassifier(prior="examples")
    for some in np.array_split(np.argsort(y, kind="stable")[::-1], 5):  # d comes first, then c
        later.partial_fit(x[some], y[some])
    assert later.classes_.tolist() == [*"abcd"] and later.counts_.tolist() == whole.counts_.tolist()
    np.testing.assert_allclose(later.predict_proba(x), whole.predict_proba(x), atol=1e-12)


def test_a_class_may_come_after_all_that_were_named() -> None:
    classifier = PrototypeClassifier().partial_fit([[0.0], [9.0]], ["b", "d"], classes=["b", "c", "d"])
    classifier.partial_fit([[5.0]], ["a"])
    assert classifier.classes_.tolist() == [*"abcd"] and classifier.counts_.tolist() == [1, 1, 0, 1]
    assert classifier.predict([[0.1], [5.1], [8.0]]).tolist() == ["b", "a", "d"]


SETTINGS: list[dict[str, Any]] = [{"distance": d} for d in ("Cosine", "manhattan", "", None, 1)]
SETTINGS += [{"prior": p} for p in ("empirical", None, 1)]
SETTINGS += [{"temperature": t} for t in (0, 0.0, -1, float("nan"), float("inf"), 10**400, "1", None, True)]


@pytest.mark.parametrize("settings", SETTINGS)
def test_settings_that_are_none_are_refused(settings: dict[str, Any]) -> None:
    (key,) = settings
    x, y = [[0.0], [1.0]], ["a", "b"]
    with pytest.raises(ValueError, match=f"{key}=.*: must be"):
        PrototypeClassifier(**settings).fit(x, y)
    with pytest.raises(ValueError, match=f"{key}=.*: must be"):
        PrototypeClassifier(**settings).partial_fit(x, y, classes=y)
    with pytest.raises(ValueError, match=f"{key}=.*: must be"):
        PrototypeClassifier().fit(x, y).set_params(**settings).predict(x)


def test_what_cannot_be_fitted_is_said() -> None:
    with pytest.raises(ValueError, match="at least two classes are needed, but there is one class: a"):
        PrototypeClassifier().fit([[0.0], [1.0]], ["a", "a"])


@pytest.mark.parametrize("turned", [np.s_[::-1], np.s_[:, ::-1], np.s_[::-2, ::-1], np.s_[:0:-9]])
def test_rows_and_columns_may_run_backwards_and_be_read_only(turned: object) -> None:
    x, y = np.random.default_rng(1).normal(size=(9, 4)), [0, 1, 2] * 3
    x.setflags(write=False)
    some = x[turned]
    classifier = PrototypeClassifier().fit(x, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(classifier.predict_proba(some), classifier.predict_proba(some.copy()))
        if len(some) > 2:
            expected = PrototypeClassifier().fit(some.copy(), y[: len(some)]).prototypes_
            np.testing.assert_array_equal(PrototypeClassifier().fit(some, y[: len(some)]).prototypes_, expected)


@pytest.mark.parametrize("far", [1e-310, 1e300])
def test_distances_beyond_the_largest_number_are_said(far: float) -> None:
    """No class would be the nearest, and the first one would be predicted."""
    x, y = np.array([[0.0], [1.0], [4.0]]), [0, 0, 1]
    classifier = PrototypeClassifier(temperature=min(far, 1.0)).fit(x * max(far, 1.0), y)
    for ask in (classifier.predict, classifier.predict_proba):
        with pytest.raises(ValueError, match="beyond the largest number"):
            ask(x[:1] * max(far, 1.0))


@pytest.mark.parametrize("scale", [2.0**-1000, 2.0**-60, 2.0**60, 2.0**1000])
def test_no_cosine_depends_on_how_long_rows_are(scale: float) -> None:
    """The squares of such rows are 0 or infinite: all cosines were 0, and the first class was predicted."""
    x, y = np.random.default_rng(0).normal(size=(12, 3)), [0, 1, 2] * 4
    plain, scaled = (PrototypeClassifier(distance="cosine").fit(x * by, y) for by in (1.0, scale))
    np.testing.assert_array_equal(scaled.predict_proba(x * scale), plain.predict_proba(x))
    np.testing.assert_array_equal(scaled.predict_proba(x), plain.predict_proba(x))
