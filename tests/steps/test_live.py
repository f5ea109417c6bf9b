"""Seeing a training live changes no byte of it; early stopping by the steps."""

from itertools import product
from pathlib import Path

import pandas as pd
import pytest

from protomtl.core import files
from protomtl.core.files import digest_folder, read_json
from tests.support import trackers
from tests.support.makers import patch_params
from tests.support.steps import run_method, run_steps


def outcome(project: Path) -> dict[str, str]:
    """What trainings have left, seconds aside; it is removed, and so is their state."""
    found = digest_folder(project / "results")
    for name in ("results/pretrain", "results/finetune", "results/curves", ".state"):
        files.remove(project / name)
    return {name: digest for name, digest in found.items() if not name.startswith("timing/")}


def test_both_phases_are_tracked_and_every_byte_is_the_same(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_method("prototypical", "pretrain", "finetune")
    plain = outcome(prepared)
    log = trackers.install("wandb", tmp_path, monkeypatch)
    run_method("prototypical", "pretrain", "finetune")
    opened = [options for call, _, options in trackers.calls(log) if call == "init"]
    assert [(options["name"], options["job_type"]) for options in opened] == [
        ("prototypical-seed1", "pretrain"),
        ("prototypical-seed1", "finetune"),
    ]
    assert outcome(prepared) == plain and len(plain) > 10


@pytest.mark.parametrize("stage", ["pretrain", "finetune"])
def test_live_curves_lie_outside_of_the_outputs_and_have_their_bytes_at_the_end(stage: str, prepared: Path) -> None:
    run_method("prototypical", "pretrain")
    if stage == "finetune":
        run_method("prototypical", "finetune")
    (state,) = prepared.glob(f".state/{stage}/prototypical-seed1/*/train.csv")
    whole = {
        "pretrain": {"train": "pretrain/prototypical/seed1/train.csv"},
        "finetune": {name: f"curves/{name}/prototypical/seed1/curve.csv" for name in ("train", "dev")},
    }
    for name, place in whole[stage].items():
        assert state.with_name(f"{name}.csv").read_bytes() == (prepared / "results" / place).read_bytes()


@pytest.mark.parametrize("step", ["pretrain", "finetune"])
def test_a_tracker_that_is_not_there_is_one_line_before_any_work(
    step: str, prepared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_method("prototypical", "pretrain")
    files.remove(prepared / ".state")
    monkeypatch.setenv("PROTOMTL_TRACK", "mlflow")
    with pytest.raises(SystemExit, match=r"^PROTOMTL_TRACK=mlflow: no such tracker; there are"):
        run_method("prototypical", step)
    assert not (prepared / ".state").exists()


def test_updates_that_were_made_stand_in_record_curves_and_tables(prepared: Path) -> None:
    """One seed ends early, the other does not: the figure of the first epoch is the best one of a rate of almost 0."""
    patch_params(prepared, {"seeds": [1, 2], "methods": ["prototypical", "concat"]})
    patch_params(prepared, {"finetune": {"epochs": 4, "lr": 1e-9, "head_lr": 1e-9, "patience": 2}})
    for method, seed in product(("prototypical", "concat"), (1, 2)):
        run_method(method, "pretrain", "finetune", "evaluate", seed=seed)
    run_steps("collect", "tables", "figures")
    ended = {}
    for seed in (1, 2):
        record = read_json(prepared / f"results/finetune/concat/seed{seed}/config.json")
        dev = pd.read_csv(prepared / f"results/curves/dev/concat/seed{seed}/curve.csv")
        train = pd.read_csv(prepared / f"results/curves/train/concat/seed{seed}/curve.csv")
        assert record["steps"] == len(train) == 2 * len(dev)  # two steps an epoch
        assert len(dev) == min(4, record["best_epoch"] + 2)
        ended[seed] = record["steps"]
    assert min(ended.values()) < 8
    table = pd.read_csv(prepared / "results/tables/table1.csv", dtype=str).set_index("method")
    assert table.loc["concat", "steps"] in (str(ended[1]), f"{ended[1]}, {ended[2]}")
    assert (prepared / "results/figures/curves.png").exists()
