"""Calibration by hand, beside scikit-learn, and against slow obvious counts."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from protomtl import calibration

P = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.4, 0.35, 0.25], [0.05, 0.05, 0.9]])
Y = np.array([0, 1, 1, 0])
SEVERAL, THERE = np.array([[0.9, 0.2], [0.6, 0.4]]), np.array([[1, 0], [0, 0]])
SEEDS = st.integers(0, 2000)


def drawn(seed: int, rows: int = 60, classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    logits = random.normal(size=(rows, classes)) * 2
    labels = (logits + random.gumbel(size=logits.shape)).argmax(1)
    return logits, labels


def softmax(logits: np.ndarray) -> np.ndarray:
    return np.exp(logits) / np.exp(logits).sum(1, keepdims=True)


def test_likelihood_and_brier_by_hand() -> None:
    assert calibration.nll(P, Y) == pytest.approx(-(math.log(0.7 * 0.8 * 0.35 * 0.05)) / 4)
    each = [0.09 + 0.04 + 0.01, 0.01 + 0.04 + 0.01, 0.16 + 0.65**2 + 0.0625, 0.95**2 + 0.0025 + 0.81]
    assert calibration.brier(P, Y) == pytest.approx(sum(each) / 4)
    assert calibration.nll([[1.0, 0.0]], [1]) == math.inf


def test_several_labels_are_decisions_of_their_own() -> None:
    assert calibration.nll(SEVERAL, THERE) == pytest.approx(-math.log(0.9 * 0.8 * 0.4 * 0.6) / 4)
    assert calibration.brier(SEVERAL, THERE) == pytest.approx((0.01 + 0.04 + 0.36 + 0.16) / 4)
    confidence, correct = calibration.decisions(SEVERAL, THERE)
    assert confidence.tolist() == pytest.approx([0.9, 0.8, 0.6, 0.6])
    assert correct.tolist() == [True, True, False, True]
    assert calibration.decisions([[0.5]], [[1]])[1].tolist() == [False]  # no likelier than not is not predicted


def test_error_of_calibration_by_hand() -> None:
    """Confidences 0.7, 0.8, 0.4, 0.9 in five bins: 0.7 and 0.8 share one, both right; 0.4 and 0.9 are wrong."""
    found = calibration.reliability(P, Y, bins=5)
    assert found.size.tolist() == [1, 2, 1] and found.accuracy.tolist() == [0, 1, 0]
    assert found.confidence == pytest.approx([0.4, 0.75, 0.9])
    assert calibration.ece(P, Y, bins=5) == pytest.approx((0.4 + 2 * 0.25 + 0.9) / 4)


def test_ends_of_bins_are_in_the_lower_one() -> None:
    assert calibration.reliability([[0.5, 0.5], [1.0, 0.0]], [0, 0], bins=2).size.tolist() == [1, 1]


def test_risk_and_coverage_by_hand() -> None:
    """The surest is wrong, the next two right, the last wrong: risks 1, 1/2, 1/3, 2/4."""
    coverage, risk = calibration.risk_coverage(*calibration.decisions(P, Y))
    assert coverage.tolist() == [0.25, 0.5, 0.75, 1]
    assert risk == pytest.approx([1, 1 / 2, 1 / 3, 1 / 2])
    assert calibration.aurc(P, Y) == pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 2) / 4)


@given(seed=SEEDS)
def test_equally_sure_answers_are_the_mean_of_all_orders(seed: int) -> None:
    random = np.random.default_rng(seed)
    confidence, correct = random.integers(0, 3, size=5) / 2, random.random(5) < 0.5
    orders = [o for o in itertools.permutations(range(5)) if (np.diff(confidence[list(o)]) <= 0).all()]
    slow = np.mean([np.cumsum(~correct[list(o)]) / np.arange(1, 6) for o in orders], axis=0)
    np.testing.assert_allclose(calibration.risk_coverage(confidence, correct)[1], slow, atol=1e-12)


@given(seed=SEEDS)
def test_as_scikit_learn_has_them(seed: int) -> None:
    logits, labels = drawn(seed)
    p = softmax(logits)
    assert calibration.nll(p, labels) == pytest.approx(log_loss(labels, p, labels=range(4)))
    two, yes = softmax(logits[:, :2]), labels % 2
    assert calibration.brier(two, yes) == pytest.approx(2 * brier_score_loss(yes, two[:, 1], pos_label=1))
    scores, positive = np.round(p[:, 0], 1), labels == 0
    positive[:2] = True, False
    assert calibration.auroc(scores, positive) == pytest.approx(roc_auc_score(positive, scores))


def test_area_under_the_curve_by_hand() -> None:
    assert calibration.auroc([1, 2, 2, 3], [False, False, True, True]) == pytest.approx((2 + 0.5 + 1) / 4)
    assert math.isnan(calibration.auroc([1, 2], [True, True]))


@given(seed=SEEDS, several=st.booleans())
def test_no_temperature_of_a_grid_is_likelier(seed: int, several: bool) -> None:
    logits, labels = drawn(seed)
    wanted = np.eye(4)[labels] if several else labels
    found = calibration.fit_temperature(logits, wanted)
    best = calibration.losses(logits / found, wanted).mean()
    assert all(best <= calibration.losses(logits / t, wanted).mean() + 1e-12 for t in np.geomspace(0.05, 20, 200))


def tempered(probabilities: np.ndarray, temperature: float, several: bool = False) -> np.ndarray:
    """Probabilities as a temperature changes them."""
    return calibration.softened(calibration.logits_of(probabilities, several), temperature, several)


def test_the_temperature_that_was_put_in_is_found() -> None:
    logits, labels = drawn(7, rows=20_000)
    assert calibration.fit_temperature(3 * logits, labels) == pytest.approx(3, rel=0.05)
    assert calibration.fit_temperature(logits, labels) == pytest.approx(1, rel=0.05)
    hot, cold = softmax(3 * logits), tempered(softmax(3 * logits), 3)
    np.testing.assert_allclose(cold, softmax(logits), atol=1e-9)
    assert calibration.ece(cold, labels) < 0.02 < 0.1 < calibration.ece(hot, labels)


def test_by_hand_a_temperature() -> None:
    """Logit log 9 at T = 2 is log 3: nine to one becomes three to one."""
    assert tempered(np.array([[0.9, 0.1]]), 2)[0] == pytest.approx([0.75, 0.25])
    assert tempered(np.array([[0.9, 0.1]]), 2, several=True)[0] == pytest.approx([0.75, 0.25])
    assert np.isfinite(tempered(np.array([[1.0, 0.0]]), 0.5, several=True)).all()


@given(seed=SEEDS, temperature=st.floats(0.05, 20), several=st.booleans())
def test_a_temperature_changes_no_prediction(seed: int, temperature: float, several: bool) -> None:
    p = softmax(drawn(seed)[0])
    other = tempered(p, temperature, several)
    assert (other.argmax(1) == p.argmax(1)).all()
    assert not several or ((other > 0.5) == (p > 0.5)).all()
    np.testing.assert_allclose(tempered(p, 1.0, several), p, atol=1e-12)


def test_no_row_and_rows_that_all_are_right() -> None:
    none: tuple[np.ndarray, np.ndarray] = (np.empty((0, 3)), np.empty(0))
    assert all(math.isnan(f(*none)) for f in (calibration.nll, calibration.brier, calibration.ece, calibration.aurc))
    assert calibration.fit_temperature(*none) == 1


@pytest.mark.parametrize("several", [False, True])
def test_rows_that_all_are_right_do_not_tell_how_sure_to_be(several: bool) -> None:
    """The colder the likelier: a dozen dev rows would make 0.6 a certainty. One that is wrong has a say."""
    z = np.array([[0.4, -0.3, -0.2], [-0.1, 0.9, -0.4], [-0.5, -0.1, 0.6]])
    right, wrong = np.array([0, 1, 2]), np.array([0, 1, 0])
    labels = [np.eye(3)[y] if several else y for y in (right, wrong)]
    assert calibration.fit_temperature(z, labels[0]) == 1
    assert calibration.COLDEST < calibration.fit_temperature(z, labels[1]) != 1
    never = np.column_stack([z, np.full(3, -np.inf)])  # a class that no row can have takes no part
    assert calibration.fit_temperature(never, np.eye(4)[right] if several else right) == 1


@pytest.mark.parametrize(("scores", "labels"), [([0.5, 0.5], [0, 1]), ([[0.5, 0.5]], [0, 1]), ([[0.5, 0.5]], [2])])
def test_what_does_not_fit_is_refused(scores: list[float], labels: list[int]) -> None:
    with pytest.raises(ValueError, match="labels"):
        calibration.nll(scores, labels)


def test_what_was_held_for_impossible_has_no_say_in_the_temperature() -> None:
    """A class without a training row has the logit -inf, and one that all rows have inf: neither depends on T."""
    random = np.random.default_rng(5)
    z = random.normal(size=(500, 3)) * 3
    y = (random.random((500, 3)) < 1 / (1 + np.exp(-z / 3))).astype(float)
    plain = calibration.fit_temperature(z, y)
    for never in (-np.inf, np.inf):
        beside = np.concatenate([z, np.full((500, 1), never)], axis=1)
        for own in (np.zeros((500, 1)), np.ones((500, 1))):
            assert calibration.fit_temperature(beside, np.concatenate([y, own], axis=1)) == pytest.approx(
                plain, abs=1e-6
            )
    one = z.argmax(1)
    beside = np.concatenate([z, np.full((500, 1), -np.inf)], axis=1)
    few = np.where(np.arange(500) < 20, 3, one)  # dev has the class that train has not
    assert calibration.fit_temperature(beside, few) == pytest.approx(
        calibration.fit_temperature(z[20:], one[20:]), abs=1e-6
    )
    assert calibration.fit_temperature(beside, np.full(500, 3)) == 1
