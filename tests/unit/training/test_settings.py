"""Options of fine-tuning that would say nothing beside each other are refused, each with its reason."""

from typing import Any

import pytest

from protomtl.core.sections import settings_of_method
from protomtl.params import load
from tests.support import ROOT

BASE = load(ROOT / "params.yaml").finetune


@pytest.mark.parametrize(
    ("over", "reason"),
    [
        ({"weighting": "balanced", "weights": {"sst": 0.5}}, "`weights` belongs to `weighting: fixed`"),
        ({"weighting_lr": 0.1}, "`weighting_lr` belongs to `weighting: uncertainty`"),
        ({"frozen": True, "prototypes": {"weight": 0.1}}, "`smoothness` and `prototypes` train the encoder"),
        ({"frozen": True, "smoothness": {"weight": 0.1}}, "`smoothness` and `prototypes` train the encoder"),
        ({"prototypes": {"values": "between", "kind": "epoch"}}, "`values: between` has no means of an epoch"),
        ({"prototypes": {"values": "between", "kind": "episode"}}, "`values: between` has no means of an episode"),
        (
            {"prototypes": {"weight": 0.1, "prior": True}, "sampling": "episodes"},
            "`prior` says how frequent classes are; `sampling: episodes` makes them equal",
        ),
        ({"share_hidden": True, "hidden": False}, "`share_hidden` needs `hidden: true`"),
    ],
)
def test_options_that_do_not_fit_each_other_are_refused(over: dict[str, Any], reason: str) -> None:
    with pytest.raises(SystemExit, match=rf"method\.x\.finetune.*{reason}"):
        settings_of_method("finetune", BASE, "x", over)
