"""Prototypes with prior and scale: values by hand, the linear layer that says the same, the scale that is likeliest."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from protomtl.model import readout
from protomtl.model.prototypes import DISTANCES, pairwise_similarity, predict
from protomtl.params import load
from tests.support import ROOT

TASKS = load(ROOT / "params.yaml").tasks
EXAMPLES, LABELS = torch.tensor([[0.0], [2.0], [4.0], [5.0]]), torch.tensor([0, 0, 0, 2])


def random_rows(seed: int, rows: int = 60, classes: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.cat([torch.arange(classes), torch.randint(classes, (rows - classes,), generator=generator)])
    return torch.randn(rows, 5, generator=generator) + labels[:, None] / 2, labels


def test_logits_worked_by_hand() -> None:
    found = readout.Readout(torch.tensor([[2.0], [5.0]]), torch.tensor([0.75, 0.25]).log(), "squared_euclidean", 0.5)
    assert found.logits(torch.tensor([[3.0]])).tolist() == [
        pytest.approx([-0.5 * 1 + math.log(0.75), -0.5 * 4 + math.log(0.25)])
    ]


def test_prior_is_the_frequency_of_a_class_and_an_absent_one_is_never_predicted() -> None:
    found = readout.fit(EXAMPLES, LABELS, 3, EXAMPLES, LABELS, "euclidean")
    assert found.prototypes[[0, 2]].flatten().tolist() == [2.0, 5.0]
    assert found.log_prior.exp().tolist() == pytest.approx([0.75, 0.0, 0.25])
    assert (found.probabilities(torch.tensor([[0.0], [99.0]]))[:, 1] == 0).all()
    assert found.nearest(torch.tensor([[0.0], [99.0]])).tolist() == [0, 2]


@pytest.mark.parametrize("distance", DISTANCES)
def test_the_scale_is_the_likeliest_of_a_fine_grid(distance: str) -> None:
    train, dev = random_rows(1), random_rows(2)
    found = readout.fit(*train, 4, *dev, distance)
    near = pairwise_similarity(dev[0], found.prototypes, distance).double()
    losses = {
        log: functional.cross_entropy(math.exp(log) * near + found.log_prior, dev[1]).item()
        for log in np.linspace(-8, 8, 1601)
    }
    assert math.log(found.scale) == pytest.approx(min(losses, key=losses.__getitem__), abs=0.011)


@given(st.integers(0, 1000), st.floats(0.01, 50))
def test_the_linear_layer_says_the_same(seed: int, scale: float) -> None:
    train, other = random_rows(seed), random_rows(seed + 1)
    found = readout.fit(*train, 4, *other, "squared_euclidean")._replace(scale=scale)
    weight, bias = found.linear()
    by_layer = functional.linear(other[0], weight, bias).softmax(1)
    torch.testing.assert_close(by_layer, found.probabilities(other[0]), rtol=1e-3, atol=1e-4)


def test_only_squared_distances_have_a_linear_layer() -> None:
    with pytest.raises(ValueError, match="'cosine': only of squared_euclidean"):
        readout.Readout(torch.zeros(2, 3), torch.zeros(2), "cosine", 1.0).linear()


@pytest.mark.parametrize("distance", ["euclidean", "squared_euclidean"])
def test_equal_priors_leave_the_nearest_prototype(distance: str) -> None:
    """So the plain reading differs by the prior alone."""
    train, other = random_rows(3), random_rows(4)
    found = readout.fit(*train, 4, *other, distance)._replace(log_prior=torch.zeros(4))
    assert torch.equal(found.logits(other[0]).argmax(1), predict(other[0], *train))


def test_dev_rows_of_a_class_without_an_example_do_not_move_the_scale() -> None:
    dev, labels = torch.tensor([[1.0], [5.5], [50.0]]), torch.tensor([0, 2, 1])
    found = readout.fit(EXAMPLES, LABELS, 3, dev, labels, "euclidean")
    assert found.scale == readout.fit(EXAMPLES, LABELS, 3, dev[:2], labels[:2], "euclidean").scale
    assert readout.fit(EXAMPLES, LABELS, 3, dev[2:], labels[2:], "euclidean").scale == 1.0


def test_a_value_is_predicted_by_the_mean_of_its_classes_and_a_class_by_the_likeliest() -> None:
    likely = torch.tensor([[0.5, 0.25, 0.0, 0.0, 0.0, 0.25]])
    assert readout.predictions(TASKS["sts"], likely).tolist() == [0.25 + 5 * 0.25]
    assert readout.predictions(TASKS["sst"], likely[:, 1:]).tolist() == [0]
    assert readout.expected(likely, -2).tolist() == [0.5 * -2 + 0.25 * -1 + 0.25 * 3]


def test_what_is_saved_is_loaded_and_that_of_another_model_is_refused(tmp_path: Path) -> None:
    train = random_rows(5, classes=5)
    saved = {"sst": readout.fit(*train, 5, *random_rows(6, classes=5), "cosine")}
    readout.save(saved, "cosine", tmp_path / "readout.safetensors")
    found = readout.load(tmp_path / "readout.safetensors", {"sst": TASKS["sst"]})["sst"]
    assert found.distance == "cosine" and found.scale == saved["sst"].scale
    assert torch.equal(found.logits(train[0]), saved["sst"].logits(train[0]))
    with pytest.raises(SystemExit, match="readout of sst, sts"):
        readout.load(tmp_path / "readout.safetensors", {"sst": TASKS["sst"], "sts": TASKS["sts"]})
    with pytest.raises(SystemExit, match="is not of the model beside it"):
        readout.load(tmp_path / "readout.safetensors", {"sst": TASKS["sst"].model_copy(update={"classes": 4})})
    (tmp_path / "readout.safetensors").write_bytes(b"cut")
    with pytest.raises(SystemExit, match="cannot be read"):
        readout.load(tmp_path / "readout.safetensors", {"sst": TASKS["sst"]})
