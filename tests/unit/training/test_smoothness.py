"""R3F, R4F and SMART against values worked by hand, finite differences and transformers' own model."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from protomtl.core import sections
from protomtl.model.encoder import Encoder, embed_batch
from protomtl.model.heads import SingleHead, Spectral
from protomtl.model.sequences import Sequences
from protomtl.model.settings import Compute
from protomtl.params import load
from protomtl.tasks.tensors import divergence
from protomtl.training.settings import Smoothness
from protomtl.training.smoothness import ascended, divergences
from tests.support import ROOT
from tests.support.makers import padded

TASKS = load(ROOT / "params.yaml").tasks
FP32 = Compute(device="cpu", precision="fp32", threads=1, processes=1)
TEXTS = Sequences(np.array([2, 7, 9, 3, 2, 11, 3, 2, 5, 8, 6, 3]), np.zeros(12, dtype=np.int64), np.array([4, 3, 5]), 0)


def test_divergence_worked_by_hand() -> None:
    a, b = torch.tensor([[0.0]]), torch.tensor([[math.log(3.0)]])  # probabilities (1/2, 1/2) and (1/4, 3/4)
    one = 0.5 * math.log(0.5 / 0.25) + 0.5 * math.log(0.5 / 0.75)
    other = 0.25 * math.log(0.25 / 0.5) + 0.75 * math.log(0.75 / 0.5)
    assert divergence(TASKS["para"], a, b).item() == pytest.approx(one + other, abs=1e-6)
    classes = torch.log(torch.tensor([[0.5, 0.5], [0.25, 0.75]]))
    assert divergence(TASKS["sst"], classes[:1], classes[1:]).item() == pytest.approx(one + other, abs=1e-6)
    assert divergence(TASKS["sts"], torch.tensor([[1.0], [2.0]]), torch.tensor([[3.0], [2.0]])).item() == 2.0


def test_the_ascent_stays_within_the_radius() -> None:
    moved = ascended(torch.tensor([[0.05, -0.1, 0.0]]), torch.tensor([[1.0, -2.0, 0.0]]), 0.1)
    assert moved.tolist() == [pytest.approx([0.1, -0.1, 0.0])]  # 0.05 + 0.05; -0.1 - 0.1, cut off; no gradient
    found = ascended(torch.tensor([[0.0, 0.05], [0.02, 0.0]]), torch.tensor([[1.0, -2.0], [0.0, -4.0]]), 0.1)
    assert found.tolist() == [pytest.approx([0.05, -0.05]), pytest.approx([0.02, -0.1])]  # the largest change is 0.1


def test_spectral_normalisation_by_hand() -> None:
    weight = Spectral()(torch.diag(torch.tensor([3.0, 4.0])))
    assert weight.tolist() == [[0.75, 0.0], [0.0, 1.0]]


def encoder_of(folder: Path, packed: bool) -> Encoder:
    encoder = Encoder(folder, "mean", FP32)
    encoder.engine = encoder.engine if packed else padded(encoder)
    return encoder


def test_noise_reaches_the_words_alike_with_and_without_packing(tiny_backbone: Path) -> None:
    torch.manual_seed(0)
    noise = 0.1 * torch.randn(12, 32)
    vectors, gradients = [], []
    for packed in (True, False):
        moved = noise.clone().requires_grad_()
        vector = encoder_of(tiny_backbone, packed).eval()(TEXTS, moved)
        (gradient,) = torch.autograd.grad(vector.square().sum(), moved)
        vectors.append(vector), gradients.append(gradient)
    torch.testing.assert_close(vectors[0], vectors[1], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(gradients[0], gradients[1], atol=1e-5, rtol=1e-3)
    still = encoder_of(tiny_backbone, True).eval()(TEXTS)
    assert (still - vectors[0]).abs().max() > 1e-3


def move(folder: Path, kind: str, radius: float) -> float:
    """How far the outputs of a head move."""
    encoder = encoder_of(folder, True).eval()
    torch.manual_seed(3)
    heads = torch.nn.ModuleDict({"sst": SingleHead(32, 5)}).eval()
    groups = {"sst": [TEXTS]}
    outputs = {"sst": heads["sst"](*embed_batch(encoder, groups)["sst"])}
    settings = Smoothness(kind=kind, weight=1.0, radius=radius)  # type: ignore[arg-type]
    found = divergences(encoder, heads, TASKS, groups, outputs, settings)["sst"]
    found.backward()
    assert next(encoder.parameters()).grad is not None
    return found.item()


def test_without_noise_nothing_moves_and_the_adversary_moves_more_than_chance(tiny_backbone: Path) -> None:
    assert move(tiny_backbone, "r3f", 1e-12) == pytest.approx(0, abs=1e-9)
    assert move(tiny_backbone, "smart", 0.05) > move(tiny_backbone, "r3f", 0.05) > 0


def test_smoothness_needs_an_encoder_that_learns() -> None:
    base = load(ROOT / "params.yaml").finetune
    with pytest.raises(SystemExit, match="frozen: false"):
        sections.settings_of_method("finetune", base, "x", {"frozen": True, "smoothness": {"weight": 1.0}})
