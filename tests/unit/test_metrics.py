"""Metrics by hand, and beside scikit-learn."""

from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import balanced_accuracy_score

from protomtl import metrics, params
from protomtl.analysis import bootstrap
from protomtl.seeds import generator
from tests.support import ROOT

ALL = params.load(ROOT / "params.yaml").tasks
TASKS = {name: ALL[name] for name in ("sst", "para", "sts")}  # a user may have added others, by the guide


def changed(name: str, **more: Any) -> Any:
    return TASKS[name].model_copy(update=more)


def test_accuracy_by_hand() -> None:
    assert metrics.task_metrics(TASKS["sst"], np.array([0, 1, 2, 3]), np.array([0, 1, 0, 0])) == {"accuracy": 0.5}


def test_figures_of_classes_by_hand() -> None:
    """Rows 0 0 0 1, predicted 0 0 1 1: F1 are 4/5 and 2/3, recalls 2/3 and 1; MCC is (2·1 - 0·1) / √(2·3·1·2)."""
    gold, predicted = np.array([0.0, 0, 0, 1]), np.array([0, 0, 1, 1])
    assert metrics.macro_f1(gold, predicted) == pytest.approx((4 / 5 + 2 / 3) / 2)
    assert metrics.balanced_accuracy(gold, predicted) == pytest.approx((2 / 3 + 1) / 2)
    assert metrics.mcc(gold, predicted) == pytest.approx(2 / np.sqrt(12))


def test_a_predicted_class_without_a_row_is_no_recall() -> None:
    gold, predicted = np.array([0, 0, 1, 1]), np.array([0, 2, 1, 1])
    with pytest.warns(UserWarning, match="y_pred contains classes not in y_true"):
        assert metrics.balanced_accuracy(gold, predicted) == balanced_accuracy_score(gold, predicted) == 0.75


def test_one_class_alone_has_no_matthews_correlation() -> None:
    assert np.isnan(
        [metrics.mcc(np.array([1, 1, 1]), np.array([1, 0, 1])), metrics.mcc(np.array([1, 0]), np.zeros(2))]
    ).all()


def test_sets_of_classes_by_hand() -> None:
    """Sets {0} {0, 1} {} {1}, found {0} {0} {} {0}: F1 of class 0 is 4/5 and of 1 is 0; class 2 occurs nowhere."""
    several = changed("sst", kind="multilabel", classes=["a", "b", "c"], metric=None, ordered=False)
    found = metrics.task_metrics(several, np.array([1.0, 3, 0, 2]), np.array([1.0, 1, 0, 1]))
    assert found == {"macro_f1": pytest.approx((4 / 5 + 0) / 2), "accuracy": 0.5}


def test_errors_by_hand() -> None:
    assert metrics.rmse(np.array([1.0, 2.0]), np.array([4.0, 2.0])) == pytest.approx(np.sqrt(4.5))


def test_the_figure_that_counts_comes_first_and_the_usual_one_stands_beside_it() -> None:
    values = np.array([0.0, 1, 2, 3])
    assert [*metrics.task_metrics(changed("sst", metric="macro_f1"), values, values)] == ["macro_f1", "accuracy"]
    assert [*metrics.task_metrics(changed("sts", metric="rmse"), values, values)] == ["rmse", "pearson", "spearman"]


def test_correlations_by_hand() -> None:
    gold, predicted = np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 6.0])
    found = metrics.task_metrics(TASKS["sts"], gold, predicted)
    assert found["pearson"] == pytest.approx(5 / np.sqrt(2 * 14))  # centred: (-1, 0, 1) and (-2, -1, 3)
    assert found["spearman"] == pytest.approx(1.0)


@pytest.mark.parametrize("kinds", [("f4", "f4"), ("f4", "f8"), ("f8", "f4"), ("f8", "f8"), ("i8", "f4"), ("f8", "i8")])
@pytest.mark.parametrize("rows", [3, 8, 129, 3000])
def test_correlations_are_scipys_to_the_bit(kinds: tuple[str, str], rows: int) -> None:
    """Kept figures are of scipy.stats, whose import takes half a second. Ties, tiny and huge values are no others."""
    random = generator(rows, "test", *kinds)
    for size in (1.0,) if "i8" in kinds else (1e-30, 1.0, 1e30):
        gold = (random.integers(0, 6, rows) * size).astype(kinds[0])
        predicted = (gold + random.normal(size=rows) * size).astype(kinds[1])
        assert metrics.correlates(gold, predicted)
        assert metrics.pearson(gold, predicted) == float(stats.pearsonr(gold, predicted).statistic)
        assert metrics.spearman(gold, predicted) == float(stats.spearmanr(gold, predicted).statistic)


def test_what_is_no_number_has_no_correlation() -> None:
    gold, predicted = np.array([0.0, 1, 2, 3]), np.array([0.0, np.nan, 2, 3])
    assert np.isnan([metrics.pearson(gold, predicted), metrics.spearman(predicted, gold)]).all()


def test_what_is_constant_has_no_correlation() -> None:
    values, constant = np.array([1.0, 2.0, 3.0]), np.full(3, 0.1)
    for gold, predicted in ((values, constant), (constant, values), (constant, constant)):
        assert np.isnan([*metrics.task_metrics(TASKS["sts"], gold, predicted).values()]).all()


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_fewer_than_three_rows_say_nothing_of_a_correlation(rows: int) -> None:
    gold, predicted = np.arange(rows) * 1.0, np.arange(rows) * -2.0
    assert np.isnan([*metrics.task_metrics(TASKS["sts"], gold, predicted).values()]).all()
    counts = np.ones((4, rows))
    assert np.isnan(bootstrap.pearson(counts, gold, predicted[:, None])).all()


def test_overall_is_the_mean_over_tasks() -> None:
    """The paper's test row: the correlation as it is, and rescaled, as the course's leaderboards have it."""
    found = {"sst": 0.513, "para": 0.822, "sts": 0.849}
    assert metrics.overall(TASKS, found) == pytest.approx(0.728)
    assert metrics.overall(TASKS, found, rescaled=True) == pytest.approx((0.513 + 0.822 + 0.9245) / 3)


def test_overall_is_undefined_where_a_figure_is() -> None:
    assert np.isnan(metrics.overall(TASKS, {"sst": 0.5, "para": 0.8, "sts": np.nan}))


def test_overall_leaves_out_what_is_better_when_less() -> None:
    tasks = TASKS | {"sts": changed("sts", metric="rmse")}
    assert metrics.overall(tasks, {"sst": 0.5, "para": 0.8, "sts": 1.2}) == pytest.approx(0.65)


def test_values_that_are_written_alike_are_one_value_where_their_order_counts() -> None:
    """An encoder gives equal texts a cosine of 1 but for its last bits, whose order would be a third of the figure."""
    gold = np.array([5.0, 5.0, 3.0, 0.0, 1.0, 2.0])
    noisy, written = (np.array([*ends, 4.0, 1.0, 2.0, 3.0]) for ends in ((5.0000002, 4.9999998), (5.0, 5.0)))
    ranked = changed("sts", metric="spearman")
    assert metrics.task_metrics(ranked, gold, noisy) == metrics.task_metrics(ranked, gold, written)
    assert metrics.main_figure(ranked, gold, noisy) == metrics.main_figure(ranked, gold, written)
    assert metrics.task_metrics(ranked, gold, noisy)["spearman"] == pytest.approx(1)


def test_values_that_are_all_written_alike_have_no_correlation() -> None:
    gold = np.arange(4.0)
    found = metrics.task_metrics(TASKS["sts"], gold, np.array([2.5, 2.5000001, 2.4999999, 2.5000002]))
    assert np.isnan([*found.values()]).all()
