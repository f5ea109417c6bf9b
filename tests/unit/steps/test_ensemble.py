"""Ensembles: weights worked by hand, and against scipy's general optimiser."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

from protomtl import params
from protomtl.core.runs import Run
from protomtl.steps import ensemble
from tests.support import ROOT

TASKS = params.load(ROOT / "params.yaml").tasks


def test_of_two_members_the_one_that_is_right_has_the_weight() -> None:
    gold = np.array([0.0, 1.0, 1.0])
    right = np.array([[0.9, 0.1], [0.1, 0.9], [0.1, 0.9]])
    assert ensemble.weigh(TASKS["para"], gold, np.stack([right, 1 - right])) == pytest.approx([1, 0], abs=1e-6)


def test_mixture_weights_worked_by_hand() -> None:
    # With w of the first member, the likelihood of the three rows is (0.2 + 0.6 w)² (0.8 - 0.6 w). It is largest where
    # 2 (0.8 - 0.6 w) = 0.2 + 0.6 w, so at w = 1.4 / 1.8.
    gold = np.array([1.0, 1.0, 0.0])
    first, second = (np.tile([1 - p, p], (3, 1)) for p in (0.8, 0.2))
    assert ensemble.weigh(TASKS["para"], gold, np.stack([first, second]))[0] == pytest.approx(1.4 / 1.8, abs=1e-4)


def test_values_that_add_up_to_the_labels_are_added_up() -> None:
    parts = np.array([[0.0, 1.0, 2.0, 5.0], [3.0, 1.0, 0.0, 1.0]])
    weights = ensemble.weigh(TASKS["sts"], 3 * parts[0] + parts[1] + 7, parts[:, :, None])  # a shift changes nothing
    assert weights == pytest.approx([0.75, 0.25])


def test_members_that_only_mislead_leave_equal_weights() -> None:
    gold = np.array([0.0, 1.0, 2.0])
    assert ensemble.weigh(TASKS["sts"], gold, -np.stack([gold, gold])[:, :, None]) == pytest.approx([0.5, 0.5])


@pytest.mark.parametrize("seed", range(5))
def test_no_other_weights_are_more_likely(seed: int) -> None:
    random = np.random.default_rng(seed)
    scores = random.dirichlet(np.ones(5), (4, 60))
    gold = random.integers(0, 5, 60).astype(float)
    ours = ensemble.weigh(TASKS["sst"], gold, scores)
    likelihood = scores[:, np.arange(60), gold.astype(int)]

    def cost(weights: np.ndarray) -> float:
        return float(-np.log(weights @ likelihood).mean())

    whole = {"type": "eq", "fun": lambda w: w.sum() - 1}
    slow = minimize(cost, np.full(4, 0.25), bounds=[(0, 1)] * 4, constraints=whole)
    assert ours.sum() == pytest.approx(1) and (ours >= 0).all()
    assert cost(ours) <= slow.fun + 1e-5


@pytest.mark.parametrize(
    ("rows", "same"),
    [
        ("b,2.0,0.1\nNA,,0.9\n", True),
        ("NA,,0.9\nb,2.0,0.1\n", False),  # the order
        ("b,2.0,0.1\nnull,,0.9\n", False),  # another id
        ("b,3.0,0.1\nNA,,0.9\n", False),  # another label
        ("b,2.0,0.1\n", False),
    ],
)
def test_members_have_the_same_examples_in_the_same_order(
    rows: str, same: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else one example would have the scores of another."""
    monkeypatch.chdir(tmp_path)
    runs = [Run("concat", 1), Run("cosine", 1)]
    for run, lines in zip(runs, ["b,2.0,0.5\nNA,,0.7\n", rows], strict=True):
        path = ensemble.predictions_file(run, "dev", "sts")
        path.parent.mkdir(parents=True)
        path.write_text("id,gold,prediction\n" + lines)
    if same:
        gold, scores = ensemble.outputs(runs, "dev", "sts", TASKS["sts"])
        assert gold.tolist() == pytest.approx([2.0, np.nan], nan_ok=True)
        assert scores[:, :, 0].tolist() == [[0.5, 0.7], [0.1, 0.9]]
    else:
        told = r"^results/evaluate/cosine/seed1/dev/sts\.csv: not the examples of .*/concat/seed1/dev/sts\.csv, or in"
        with pytest.raises(SystemExit, match=told):
            ensemble.outputs(runs, "dev", "sts", TASKS["sts"])


def test_the_ensembles_stand_beside_the_best_head_by_hand() -> None:
    """Two heads are right on two rows of three and on one, their mean on all; the prototypes of one are all wrong."""
    gold = np.array([1.0, 1.0, 0.0])
    yes = np.array([[0.9, 0.3, 0.1], [0.4, 0.8, 0.6], [0.0, 0.0, 1.0]])
    scores = np.stack([1 - yes, yes], axis=2)
    found = ensemble.compared(TASKS["para"], gold, scores, np.array([0.0, 1.0, 0.0]), heads=2)
    assert found == pytest.approx({"weighted": 1 / 3, "mean": 1.0, "best_member": 2 / 3}, abs=1e-6)
    whole = ensemble.with_overall(TASKS, dict.fromkeys(TASKS, found))
    assert whole["overall"] == whole["sst"] == found["weighted"] and whole["overall_mean"] == whole["sts_mean"] == 1.0
    assert whole["overall_best_member"] == whole["para_best_member"] == found["best_member"]
    assert "overall" not in ensemble.with_overall(TASKS, {"sst": found})


def test_weights_stand_in_the_rows_of_their_members_and_0_in_others() -> None:
    """`only_sst` has not trained the task, and values have no prototypes."""
    runs = [Run("concat", 1), Run("only_sst", 1), Run("cosine", 1)]
    table = pd.DataFrame([(*run, by) for by in ensemble.COLUMNS for run in runs], columns=["method", "seed", "by"])
    members = [runs[0], runs[2]]
    assert ensemble.placed(np.array([0.1, 0.2, 0.3, 0.4]), members, table) == [0.1, 0, 0.2, 0.3, 0, 0.4]
    assert ensemble.placed(np.array([0.25, 0.75]), members, table) == [0.25, 0, 0.75, 0, 0, 0]
