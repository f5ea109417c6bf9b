"""Metrics by hand."""

import numpy as np
import pytest

from protomtl import metrics, params
from protomtl.analysis import bootstrap
from tests.support import ROOT

TASKS = params.load(ROOT / "params.yaml").tasks


def test_accuracy_by_hand() -> None:
    assert metrics.task_metrics(TASKS["sst"], np.array([0, 1, 2, 3]), np.array([0, 1, 0, 0])) == {"accuracy": 0.5}


def test_correlations_by_hand() -> None:
    gold, predicted = np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 6.0])
    found = metrics.task_metrics(TASKS["sts"], gold, predicted)
    assert found["pearson"] == pytest.approx(5 / np.sqrt(2 * 14))  # centred: (-1, 0, 1) and (-2, -1, 3)
    assert found["spearman"] == pytest.approx(1.0)


def test_constant_predictions_correlate_with_zero() -> None:
    assert metrics.task_metrics(TASKS["sts"], np.array([1.0, 2.0]), np.array([3.0, 3.0]))["pearson"] == 0.0


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_fewer_than_three_rows_say_nothing_of_a_correlation(rows: int) -> None:
    gold, predicted = np.arange(rows) * 1.0, np.arange(rows) * -2.0
    assert metrics.task_metrics(TASKS["sts"], gold, predicted) == {"pearson": 0.0, "spearman": 0.0}
    counts = np.ones((4, rows))
    assert bootstrap.pearson(counts, gold, predicted[:, None]).tolist() == [[0.0]] * 4


def test_overall_is_the_mean_over_tasks() -> None:
    assert metrics.overall({"sst": 0.513, "para": 0.822, "sts": 0.849}) == pytest.approx(0.728)
