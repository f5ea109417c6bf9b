"""What a kind of task means for tensors, by hand."""

import math

import numpy as np
import pytest
import torch

from protomtl.tasks import tensors
from protomtl.tasks.settings import Files, Task

FILES = Files(train="train.csv", dev="dev.csv", test="test.csv")
SEVERAL = Task(kind="multilabel", classes=["a", "b", "c"], texts=["text"], label="label", files=FILES)
LABELS = torch.tensor([0.0, 1.0, 6.0], dtype=torch.float64)  # none; a; b and c


def test_bits_are_the_classes_of_a_row() -> None:
    assert tensors.bits(LABELS, 3).int().tolist() == [[0, 0, 0], [1, 0, 0], [0, 1, 1]]


def test_the_loss_of_several_classes_is_the_mean_of_their_cross_entropies() -> None:
    """Of logit 0 each costs log 2; one logit of log 3 has probability 3/4, and rightly there costs log 4/3."""
    outputs = torch.zeros(3, 3)
    assert tensors.task_loss(SEVERAL, outputs, LABELS).item() == pytest.approx(math.log(2))
    outputs[1, 0] = math.log(3)
    expected = (8 * math.log(2) + math.log(4 / 3)) / 9
    assert tensors.task_loss(SEVERAL, outputs, LABELS).item() == pytest.approx(expected)
    assert tensors.chance_loss(SEVERAL, np.zeros(3)) == pytest.approx(math.log(2))


def test_smoothed_labels_lie_nearer_to_a_half() -> None:
    """0.2 of smoothing makes a 1 to 0.9: the loss of a logit z is 0.9 log(1 + e^-z) + 0.1 log(1 + e^z)."""
    z = 1.0
    outputs, labels = torch.full((1, 3), z), torch.tensor([7.0])
    expected = 0.9 * math.log1p(math.exp(-z)) + 0.1 * math.log1p(math.exp(z))
    assert tensors.task_loss(SEVERAL, outputs, labels, 0.2).item() == pytest.approx(expected)


def test_divergence_adds_up_the_classes() -> None:
    """Of logits 0 and log 3 (1/2 and 3/4): KL both ways is (3/4 - 1/2) log 3."""
    a, b = torch.zeros(1, 3), torch.tensor([[math.log(3), 0.0, math.log(3)]])
    assert tensors.divergence(SEVERAL, a, b).item() == pytest.approx(2 * math.log(3) / 4)
    assert tensors.probabilities(SEVERAL, b)[0].tolist() == pytest.approx([0.75, 0.5, 0.75])


def test_a_row_stands_for_the_first_of_its_classes() -> None:
    assert tensors.class_labels(SEVERAL, LABELS).tolist() == [-1, 0, 1]
    assert tensors.class_indices(SEVERAL, LABELS).tolist() == [0, 1, 2]
    assert tensors.as_classes(SEVERAL).outputs == 4
    many = SEVERAL.model_copy(update={"classes": 53})
    assert tensors.class_indices(many, torch.tensor([2.0**52], dtype=torch.float64)).tolist() == [53]
