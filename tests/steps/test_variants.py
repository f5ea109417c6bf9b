"""Every block of params.yaml that the default list leaves out trains and is evaluated; the others are run elsewhere."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from protomtl import params
from protomtl.core.files import read_json
from tests.support import ROOT
from tests.support.makers import patch_params
from tests.support.steps import run_method

KNOWN = params.load(ROOT / "params.yaml")
VARIANTS = [name for name in KNOWN.method if name not in KNOWN.methods]


@pytest.fixture(scope="module")
def short(prepared_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tiny data and two steps of each phase; small batches even where a block asks for more."""
    folder = Path(shutil.copytree(prepared_once, tmp_path_factory.mktemp("variants") / "p"))
    steps = {"epochs": 1, "steps_per_epoch": 2, "save_every": 50}
    patch_params(folder, {"pretrain": steps, "finetune": steps})
    return folder


@pytest.mark.parametrize("method", VARIANTS)
def test_a_method_trains_and_has_finite_figures(method: str, short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(short)
    run_method(method)
    losses = pd.read_csv(f"results/curves/train/{method}/seed1/curve.csv").filter(like="loss")
    assert np.isfinite(losses.to_numpy()).all() and (losses.to_numpy() > 0).all()
    metrics = read_json(f"results/evaluate/{method}/seed1/metrics.json")
    trained = KNOWN.method[method].finetune.get("tasks", [*KNOWN.tasks])
    assert all(np.isfinite(metrics[split][task]) for split in ("dev", "test") for task in trained)
