"""The losses of MUPPET are scaled by what a guess costs."""

import math

import numpy as np

from protomtl.params import load
from protomtl.tasks import tensors
from tests.support import ROOT

TASKS = load(ROOT / "params.yaml").tasks


def test_a_guess_costs_one_in_every_task() -> None:
    assert tensors.chance_loss(TASKS["sst"], np.array([])) == math.log(5)
    assert tensors.chance_loss(TASKS["para"], np.array([])) == math.log(2)
    assert tensors.chance_loss(TASKS["sts"], np.array([0.0, 4.0])) == 4.0  # the variance: guessing 2 costs 4


def test_the_control_has_the_classes_of_the_prototypes() -> None:
    assert [tensors.as_classes(task).classes for task in TASKS.values()] == [5, 2, 6]
