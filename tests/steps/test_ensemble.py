"""The step `ensemble`: beside its members."""

from pathlib import Path

import pandas as pd
import pytest

from protomtl.core.files import read_json
from tests.support.makers import patch_params
from tests.support.steps import run_method, run_steps


def test_in_a_run_the_ensemble_stands_beside_its_members(prepared: Path) -> None:
    methods = ["concat", "cosine"]
    patch_params(prepared, {"methods": methods})
    for method in methods:
        run_method(method)
    run_steps("collect", "tables", "ensemble")
    found = read_json("results/ensemble/metrics.json")
    assert set(found) == {"dev", "test"}
    for split, values in found.items():
        assert values["overall"] == pytest.approx((values["sst"] + values["para"] + values["sts"]) / 3, abs=2e-6)
        members = [read_json(f"results/evaluate/{m}/seed1/metrics.json")[split]["sst"] for m in methods]
        assert values["sst_best_member"] == pytest.approx(max(members))
    weights = pd.read_csv("results/ensemble/weights.csv")
    assert list(weights["method"]) == ["concat", "cosine"] * 2
    assert list(weights["by"]) == ["head"] * 2 + ["prototypes"] * 2
    assert (weights.loc[2:, "sts"] == 0).all()
    assert weights[["sst", "para", "sts"]].sum().to_numpy() == pytest.approx([1, 1, 1], abs=1e-3)
