"""Resampling, intervals, tests and corrections: by hand, against slow references, and by how often they err."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from protomtl.analysis import bootstrap
from protomtl.seeds import generator


@given(st.integers(1, 30), st.integers(1, 20))
@example(bootstrap.CACHED + 1, 3)
def test_a_resample_draws_as_many_things_as_there_are(n: int, resamples: int) -> None:
    counts = bootstrap.draw_counts(generator(1, "test"), resamples, n)
    assert counts.shape == (resamples, n) and (counts >= 0).all() and (counts.sum(1) == n).all()


def test_every_thing_is_drawn_equally_often_and_independently() -> None:
    """Multinomial: mean 1, variance 1 - 1/n, covariance -1/n."""
    counts = bootstrap.draw_counts(generator(2, "test"), 40_000, 5)
    assert counts.mean(0) == pytest.approx(np.ones(5), abs=0.02)
    assert np.cov(counts.T) == pytest.approx(np.eye(5) - 0.2, abs=0.03)


# --- figures of many resamples at once


def test_accuracy_by_hand() -> None:
    correct = np.array([[1, 0], [1, 1], [0, 1]])
    counts = np.array([[1, 1, 1], [2, 0, 1], [0, 0, 3]])
    assert bootstrap.accuracy(counts, correct) == pytest.approx(np.array([[2, 2], [2, 1], [0, 3]]) / 3)


def test_pearson_by_hand() -> None:
    gold, predicted = np.array([1.0, 2.0, 3.0]), np.array([[1.0], [2.0], [6.0]])
    counts = np.array([[1, 1, 1], [2, 0, 1], [0, 3, 0]])
    found = bootstrap.pearson(counts, gold, predicted)[:, 0]
    assert found == pytest.approx([5 / np.sqrt(2 * 14), 1, np.nan], nan_ok=True)  # two points are a line; one is not


@st.composite
def resampled_scores(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    n, c, k = (draw(st.integers(1, top)) for top in (12, 4, 5))
    values = st.integers(-20, 20).map(lambda tenths: tenths / 10)
    random = generator(draw(st.integers(0, 99)), "counts")
    gold, predicted = draw(hnp.arrays(float, n, elements=values)), draw(hnp.arrays(float, (n, c), elements=values))
    return bootstrap.draw_counts(random, k, n), gold, predicted


@given(resampled_scores())
def test_pearson_is_that_of_the_repeated_rows(case: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    counts, gold, predicted = case
    found = bootstrap.pearson(counts, gold, predicted)
    for k, row in enumerate(counts.astype(int)):
        for c in range(predicted.shape[1]):
            x, y = np.repeat(predicted[:, c], row), np.repeat(gold, row)
            silent = len(gold) < 3 or len(set(x)) == 1 or len(set(y)) == 1  # two rows say nothing
            slow = np.nan if silent else stats.pearsonr(x, y).statistic
            assert found[k, c] == pytest.approx(slow, abs=1e-9, nan_ok=True)


def test_pearson_does_not_lose_small_differences_on_a_large_mean() -> None:
    values = 1e6 + np.arange(5.0)
    assert bootstrap.pearson(np.ones((1, 5)), np.arange(5.0), values[:, None]) == pytest.approx(1)


@pytest.mark.parametrize("block", [7 * 300, 7 * 1000 + 5])
def test_any_number_of_counts_in_memory_gives_the_same_resamples(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    correct = generator(3, "test").integers(2, size=(7, 3))

    def resampled() -> np.ndarray:
        return bootstrap.resample(lambda counts: bootstrap.accuracy(counts, correct), 7, generator(4, "test"))

    whole = resampled()
    monkeypatch.setattr(bootstrap, "BLOCK", block)
    assert whole.shape == (bootstrap.RESAMPLES, 3) and (resampled() == whole).all()


# --- intervals


def resampled_accuracy(correct: np.ndarray, seed: int) -> np.ndarray:
    return bootstrap.resample(lambda c: bootstrap.accuracy(c, correct), len(correct), generator(seed, "test"))


def test_an_interval_leaves_out_a_fortieth_on_either_side() -> None:
    assert bootstrap.interval(np.arange(2001)[::-1]) == pytest.approx([50, 1950])


def test_the_interval_of_an_accuracy_is_that_of_the_binomial() -> None:
    correct = np.arange(200)[:, None] < 140
    exact = stats.binom.ppf([0.025, 0.975], 200, 0.7) / 200
    assert bootstrap.interval(resampled_accuracy(correct, 5))[:, 0] == pytest.approx(exact, abs=0.006)  # an example


def test_the_interval_holds_the_truth_about_19_times_in_20() -> None:
    """300 data sets of 100 examples, a column each, of a method whose true accuracy is 0.7."""
    correct = generator(6, "test").random((100, 300)) < 0.7
    low, high = bootstrap.interval(resampled_accuracy(correct, 7))
    assert 0.91 < ((low <= 0.7) & (high >= 0.7)).mean() < 0.98


# --- resamples on which a figure is not defined


def test_what_has_no_value_is_left_out_and_is_not_0() -> None:
    """Values 1 to 2001; one in 20 may be lacking, one more is too many."""
    values = np.repeat(np.arange(1.0, 2002)[:, None], 3, axis=1)
    values[:100, 1] = values[:101, 2] = np.nan
    assert bootstrap.undefined(values).tolist() == [0, 100, 101]
    left = np.percentile(np.arange(101.0, 2002), [2.5, 97.5])
    assert pytest.approx(np.array([[51, 1951], left, [np.nan] * 2]), nan_ok=True) == bootstrap.interval(values).T
    assert bootstrap.two_sided_p(values) == pytest.approx([2 / 2002, 2 / 1902, np.nan], nan_ok=True)


def test_the_interval_of_a_correlation_is_that_of_the_resamples_that_have_one() -> None:
    """Six rows, one label apart from the others: a third of the resamples lack it. Of 36 with four, one in 69."""
    rare, fair = np.eye(6)[0], np.repeat([1.0, 0], [4, 32])
    for gold, lacking in ((rare, (5 / 6) ** 6), (fair, (8 / 9) ** 36)):
        predicted = (gold + 0.1 * np.arange(len(gold)))[:, None]
        drawn = bootstrap.resample(lambda c: bootstrap.pearson(c, gold, predicted), len(gold), generator(14, "test"))  # noqa: B023
        assert bootstrap.undefined(drawn)[0] / len(drawn) == pytest.approx(lacking, abs=0.03)
        there = drawn[~np.isnan(drawn)]
        assert not (there == 0).any()
        expected = np.percentile(there, [2.5, 97.5]) if gold is fair else [np.nan] * 2
        assert bootstrap.interval(drawn)[:, 0] == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(("examples", "known"), [(5, False), (6, True)])
def test_fewer_than_six_examples_have_no_interval_and_no_p(examples: int, known: bool) -> None:
    """One method right on all, the other on none: a sign test has p = 2 / 2^5 = 0.0625, resamples would have 0.0001."""
    right = np.stack([np.zeros(examples), np.ones(examples)], axis=1)
    values = resampled_accuracy(right, 18)[:, :, None]
    p = bootstrap.two_sided_p(bootstrap.paired_differences(values, 0, np.ones((len(values), 1))))
    assert (p[0] < 0.05) if known else np.isnan(p[0])


def test_resamples_that_are_all_alike_have_no_interval() -> None:
    """All of 50 examples are right, which another 50 need not be."""
    assert np.isnan(bootstrap.interval(resampled_accuracy(np.ones((50, 1)), 19))).all()


@pytest.mark.parametrize("place", [0, 500])
def test_resamples_without_a_value_do_not_hide_that_the_others_are_all_alike(place: int) -> None:
    """Of 3 rare rows among 100 some resamples have none, and no correlation: two methods that are always right are no
    more equal for it."""
    always = np.zeros((1000, 1))
    sometimes = always.copy()
    sometimes[place : place + 40] = np.nan
    assert np.isnan(bootstrap.interval(sometimes)).all() and np.isnan(bootstrap.detectable(sometimes, 1)).all()
    np.testing.assert_array_equal(
        bootstrap.difference_interval(sometimes, 100), bootstrap.difference_interval(always, 100)
    )
    assert bootstrap.equal_p(sometimes, 0.01, 100) == bootstrap.equal_p(always, 0.01, 100) == pytest.approx(0.99**100)


def test_a_seed_that_was_not_drawn_may_lack_a_value() -> None:
    values = np.array([[[0.5, np.nan], [0.7, 0.4]]] * 3)  # [resamples, methods, seeds]
    drawn = np.array([[2, 0], [1, 1], [0, 2]])
    found = bootstrap.paired_differences(values, 0, drawn)[:, 0]
    assert found == pytest.approx([0.2, np.nan, np.nan], nan_ok=True)


# --- tests


def test_methods_are_paired_by_seed_and_example() -> None:
    """Two resamples of the examples, two seeds: 0.3 apart on one seed and 0.1 on the other, whatever the examples."""
    reference = np.array([[0.5, 0.6], [0.2, 0.9]])
    values = np.stack([reference, reference + np.array([0.3, 0.1])], axis=1)  # [resamples, methods, seeds]
    both_once, first_twice = np.ones((2, 2)), np.array([[2, 0], [2, 0]])
    assert bootstrap.paired_differences(values, 0, both_once) == pytest.approx(np.full((2, 1), 0.2))
    assert bootstrap.paired_differences(values, 0, first_twice) == pytest.approx(np.full((2, 1), 0.3))
    assert bootstrap.paired_differences(values, 1, first_twice) == pytest.approx(np.full((2, 1), -0.3))


def test_p_by_hand() -> None:
    """Of four resamples (≤ 0, ≥ 0): 2 and 3; none and 4; 4 and 4. Twice the smaller plus 1, of 4 + 1, at most 1."""
    differences = np.array([[-1.0, 1, 0], [0, 2, 0], [1, 3, 0], [2, 4, 0]])
    assert bootstrap.two_sided_p(differences) == pytest.approx([1, 2 / 5, 1])


@pytest.mark.parametrize(("better", "worse"), [(6, 1), (9, 2), (5, 5), (1, 8)])
def test_p_is_that_of_every_possible_resample(better: int, worse: int) -> None:
    """20 examples: the method alone is right on `better`, the reference alone on `worse`, drawn X and Y times."""
    values = np.zeros((20, 2))
    values[:better, 1] = values[better : better + worse, 0] = 1
    resampled = resampled_accuracy(values, 8)[:, :, None]
    found = bootstrap.two_sided_p(bootstrap.paired_differences(resampled, 0, np.ones((len(resampled), 1))))
    x, y = np.meshgrid(np.arange(21), np.arange(21))
    drawn = np.stack([x, y, 20 - x - y], axis=-1)[x + y <= 20]
    chance = stats.multinomial.pmf(drawn, 20, [better / 20, worse / 20, 1 - (better + worse) / 20])
    sides = [chance[drawn[:, 0] <= drawn[:, 1]].sum(), chance[drawn[:, 0] >= drawn[:, 1]].sum()]
    assert found[0] == pytest.approx(min(1, 2 * min(sides)), abs=0.03)


def test_equal_methods_are_called_different_about_once_in_20() -> None:
    """400 data sets of 150 examples, a column each; both methods are right on 0.7, mostly on the same examples."""
    random = generator(9, "test")
    shared, own = random.random((150, 400)), random.random((2, 150, 400)) < 0.7
    first, second = (np.where(random.random(shared.shape) < 0.3, o, shared < 0.7) for o in own)
    differences = resampled_accuracy(first, 10) - resampled_accuracy(second, 10)
    assert 0.02 < (bootstrap.two_sided_p(differences.round(12)) < 0.05).mean() < 0.08


def test_methods_that_agree_are_not_told_apart_by_rounding() -> None:
    random = generator(11, "test")
    gold, predicted = random.random(501), random.random(501)
    same = np.repeat(predicted[:, None], 7, axis=1)
    values = bootstrap.resample(lambda c: bootstrap.pearson(c, gold, same), 501, random)[:, :, None]
    differences = bootstrap.paired_differences(values, 3, np.ones((len(values), 1)))
    assert (differences == 0).all() and (bootstrap.two_sided_p(differences) == 1).all()


def test_a_gain_on_one_seed_and_a_loss_on_another_settle_nothing() -> None:
    """On fixed seeds the mean difference, 0.1, is beyond doubt; with seeds resampled it is not."""
    values = np.zeros((bootstrap.RESAMPLES, 2, 3))
    values[:, 1] = [0.4, 0.1, -0.2]
    drawn = bootstrap.draw_counts(generator(12, "test"), bootstrap.RESAMPLES, 3)
    on_these = bootstrap.two_sided_p(bootstrap.paired_differences(values, 0, np.ones_like(drawn)))
    on_others = bootstrap.two_sided_p(bootstrap.paired_differences(values, 0, drawn))
    assert on_these == pytest.approx(2 / (bootstrap.RESAMPLES + 1)) and on_others > 0.2


@pytest.mark.parametrize(
    ("noise", "seeds", "share"), [(0, 3, 0.05), (1, 1, 0.17), (1, 3, 0.07), (100, 3, 0.25), (100, 10, 0.10)]
)
def test_few_seeds_raise_false_alarms_as_the_page_says(noise: float, seeds: int, share: float) -> None:
    """1000 methods equal to the reference; examples move a difference by 1 (deviation), each training by `noise`."""
    random = generator(13, "test", seeds)
    resamples, methods = 2000, 1000
    found = random.normal(size=(methods, 1)) + noise * random.normal(size=(methods, seeds))
    values = np.zeros((resamples, methods + 1, seeds))
    values[:, 1:] = found + random.normal(size=(resamples, methods, 1))
    differences = bootstrap.paired_differences(values, 0, bootstrap.draw_counts(random, resamples, seeds))
    assert (bootstrap.two_sided_p(differences) < 0.05).mean() == pytest.approx(share, abs=0.04)


# --- equality and power


def test_equality_by_hand() -> None:
    """Of four resamples beyond -0.1 or at it, and beyond 0.1 or at it: 0 and 1; 2 and 0; 0 and 0. Plus 1, of 4 + 1."""
    differences = np.array([[0.0, -0.1, 0], [0.05, -0.2, 0], [0.1, 0, 0.09], [0, 0, 0]])
    assert bootstrap.equal_p(differences, 0.1, 1000) == pytest.approx([2 / 5, 3 / 5, 1 / 5])


def test_methods_that_answer_all_examples_alike_may_differ_on_others() -> None:
    """None of 50 differs, which a share of 1 - 0.025^(1/50) = 0.0711 of others has by a chance of one in 40."""
    none = np.zeros((100, 1))
    assert bootstrap.difference_interval(none, 50)[:, 0] == pytest.approx([-0.0711, 0.0711], abs=1e-4)
    assert np.isnan(bootstrap.detectable(none, 1)).all()


@pytest.mark.parametrize(("examples", "equal"), [(50, False), (298, False), (299, True)])
def test_methods_that_answer_few_examples_alike_are_not_equal(examples: int, equal: bool) -> None:
    """Methods that differ on one example of 100 answer 298 alike with a chance of 0.99^298 = 0.0500, 299 of 0.0495."""
    p = bootstrap.equal_p(np.zeros((bootstrap.RESAMPLES, 1)), 0.01, examples)[0]
    assert p == pytest.approx(0.99**examples) and (p < bootstrap.LEVEL) == equal


@pytest.mark.parametrize("true", [0.0, 0.004, 0.02, -0.012])
def test_equality_is_that_of_two_one_sided_z_tests(true: float) -> None:
    """Normal resamples around `true` with a standard error of 0.005, margin 0.01 (Schuirmann 1987, by its formula)."""
    drawn = true + 0.005 * stats.norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    slow = max(stats.norm.sf((true + 0.01) / 0.005), stats.norm.cdf((true - 0.01) / 0.005))
    assert bootstrap.equal_p(drawn[:, None], 0.01, 1000)[0] == pytest.approx(slow, abs=2e-4)
    low, high = np.percentile(drawn, [5, 95])  # the 90 % interval lies within the margins
    assert (bootstrap.equal_p(drawn[:, None], 0.01, 1000)[0] < 0.05) == (low > -0.01 and high < 0.01)


@pytest.mark.parametrize(("true", "share"), [(0.03, 0.05), (0.0, 0.82)])
def test_methods_a_margin_apart_are_called_equal_about_once_in_20(true: float, share: float) -> None:
    """1000 comparisons with a standard error of 0.01 and a margin of 0.03; equal methods are found equal mostly.

    By the formula: 2 Φ(3 - 1.645) - 1 = 0.82.
    """
    random = generator(14, "test")
    differences = true + 0.01 * (random.normal(size=(1, 1000)) + random.normal(size=(2000, 1000)))
    assert (bootstrap.equal_p(differences, 0.03, 1000) < 0.05).mean() == pytest.approx(share, abs=0.03)


@pytest.mark.parametrize(
    ("noise", "seeds", "share", "of"),
    [(1, 1, 0.12, 0.71), (1, 3, 0.06, 0.96), (100, 3, 0.19, 0.72), (100, 5, 0.10, 0.84)],
)
def test_few_seeds_make_equality_and_what_is_detectable_too_hopeful_as_the_page_says(
    noise: float, seeds: int, share: float, of: float
) -> None:
    """1000 methods a margin of three standard errors from the reference; noise as in the test of false alarms."""
    random = generator(17, "test", seeds)
    found = random.normal(size=(1000, 1)) + noise * random.normal(size=(1000, seeds))
    values = np.zeros((2000, 1001, seeds))
    values[:, 1:] = found + random.normal(size=(2000, 1000, 1))
    differences = bootstrap.paired_differences(values, 0, bootstrap.draw_counts(random, 2000, seeds))
    error = (1 + noise**2 / seeds) ** 0.5
    assert (bootstrap.equal_p(differences + 3 * error, 3 * error, 1000) < 0.05).mean() == pytest.approx(share, abs=0.04)
    true = bootstrap.standard_errors_to_detect(1) * error
    assert bootstrap.detectable(differences, 1).mean() / true == pytest.approx(of, abs=0.03)


def test_the_detectable_difference_by_hand() -> None:
    """1.960 + 0.842 standard errors for one; with ten, the first of Holm's levels is 0.005, 2.807 + 0.842."""
    assert bootstrap.standard_errors_to_detect(1) == pytest.approx(1.95996 + 0.84162, abs=1e-4)
    assert bootstrap.standard_errors_to_detect(10) == pytest.approx(2.80703 + 0.84162, abs=1e-4)
    differences = np.array([[0.0, 1], [2, 2]])  # deviations √2 and √½
    assert bootstrap.detectable(differences, 1) == pytest.approx([2.80158 * 2**0.5, 2.80158 * 0.5**0.5], abs=1e-4)


@pytest.mark.parametrize("family", [1, 8])
def test_a_detectable_difference_is_found_in_80_of_100_cases(family: int) -> None:
    random = generator(15, "test", family)
    noise = random.normal(size=(1, 600)) + random.normal(size=(4000, 600))
    true = bootstrap.standard_errors_to_detect(family)  # of a standard error of 1
    assert bootstrap.detectable(noise, family).mean() == pytest.approx(true, rel=0.02)
    found = bootstrap.two_sided_p(true + noise) < bootstrap.LEVEL / family
    assert found.mean() == pytest.approx(0.8, abs=0.05)


# --- correction


def test_holm_by_hand() -> None:
    """Sorted: 4 × 0.005, 3 × 0.01, 2 × 0.03; the last would be 1 × 0.04, but none is below the one before it."""
    assert bootstrap.holm(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert bootstrap.holm(np.array([])).shape == (0,)


@given(st.lists(st.integers(0, 1024), min_size=1, max_size=8), st.integers(0, 1023))
def test_holm_rejects_what_the_step_down_procedure_does(numerators: list[int], level: int) -> None:
    """Reject the smallest p at level / m, the next at level / (m - 1), …, until one is kept (1024ths are exact)."""
    m = len(numerators)
    rejected = 0
    for p in sorted(numerators):
        if p * (m - rejected) > level:
            break
        rejected += 1
    adjusted = bootstrap.holm(np.array(numerators) / 1024)
    assert (adjusted <= level / 1024).sum() == rejected
    assert (adjusted >= np.array(numerators) / 1024).all()
