"""Options of the first phase that its objective does not know are refused, each with its reason."""

from typing import Any

import pytest

from protomtl.core.sections import settings_of_method
from protomtl.params import load
from tests.support import ROOT

BASE = load(ROOT / "params.yaml").pretrain
OF_CLASSES = "`prior` and `values: between` belong to the objectives prototypical and softmax"
OF_BATCHES = "`prior` says how frequent classes are; `sampling: episodes` makes them equal"
OF_TOKENS = "`task_token` belongs to `objective: prototypical`, and not to `prototypes: train`"


@pytest.mark.parametrize(
    ("over", "reason"),
    [
        ({"objective": "softmax", "smoothness": {"weight": 0.1}}, "`smoothness` belongs to `objective: muppet`"),
        ({"objective": "muppet", "prior": True}, OF_CLASSES),
        ({"objective": "tasks", "values": "between"}, OF_CLASSES),
        ({"values": "between", "prototypes": "epoch"}, "`values: between` has no means of an epoch"),
        ({"values": "between", "prototypes": "episode"}, "`values: between` has no means of an episode"),
        ({"objective": "softmax", "task_token": True}, OF_TOKENS),
        ({"prototypes": "train", "task_token": True}, OF_TOKENS),
        ({"prior": True, "sampling": "episodes"}, OF_BATCHES),
        ({"objective": "softmax", "prior": True, "sampling": "episodes"}, OF_BATCHES),
        ({"objective": "mlm", "sampling": "episodes"}, "`sampling: episodes` draws by classes; mlm has none"),
        ({"objective": "mlm", "pair_encoding": "relation"}, "`pair_encoding: relation` is of two vectors"),
        ({"objective": "mlm", "shuffled_labels": True}, "`objective: mlm` has no labels to shuffle"),
    ],
)
def test_options_that_do_not_fit_the_objective_are_refused(over: dict[str, Any], reason: str) -> None:
    with pytest.raises(SystemExit, match=rf"method\.x\.pretrain.*{reason}"):
        settings_of_method("pretrain", BASE, "x", over)
