"""BERT on packed sequences: the same vectors and gradients as transformers', whatever the lengths."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from protomtl.model.encoder import Encoder
from protomtl.model.packed import bert, groups, layer, products
from protomtl.model.packed.attention import attend
from protomtl.model.packed.dropout import Dropout
from protomtl.model.packed.engine import PackedEngine
from protomtl.model.packed.memory import BLOCK, Arena
from protomtl.model.sequences import Sequences
from protomtl.model.settings import Compute
from tests.support.makers import padded

FP32 = Compute(device="cpu", precision="fp32", threads=1, processes=1)
LENGTHS = st.lists(st.integers(1, 40), min_size=1, max_size=30).map(sorted).map(np.array)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few sentences are to fill several blocks and groups."""
    monkeypatch.setattr(layer, "ROWS", 50)
    monkeypatch.setattr("protomtl.model.packed.engine.ROWS", 50)
    monkeypatch.setattr(products, "ROWS", 50)
    monkeypatch.setattr(groups, "TOKENS", 100)


def sequences(seed: int = 0, number: int = 40) -> Sequences:
    random = np.random.default_rng(seed)
    lengths = random.integers(2, 33, number)
    total = int(lengths.sum())
    return Sequences(random.integers(1, 60, total), random.integers(0, 2, total), lengths, 0)


def encoder(folder: Path, pooling: str = "mean", dropout: float = 0.0, **compute: Any) -> Encoder:
    model = Encoder(folder, pooling, FP32.model_copy(update=compute))
    config = model.network.config
    config.hidden_dropout_prob = config.attention_probs_dropout_prob = dropout
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = dropout
    return model.train()


def gradients(model: Encoder, batch: Sequences) -> tuple[Tensor, dict[str, Tensor]]:
    model.zero_grad()
    vectors = model(batch)
    (vectors**3).sum().backward()
    return vectors.detach(), {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}


def check_against_transformers(model: Encoder) -> None:
    """Vectors and gradients of the model's engine are those of transformers' own on the same parameters."""
    ours, our_gradients = gradients(model, sequences())
    model.engine = padded(model)
    theirs, their_gradients = gradients(model, sequences())
    assert torch.allclose(ours, theirs, atol=1e-5)
    assert set(our_gradients) == set(their_gradients)
    for name, gradient in their_gradients.items():
        assert torch.allclose(our_gradients[name], gradient, atol=1e-4 * float(gradient.abs().max()) + 1e-6), name


@pytest.mark.parametrize("pooling", ["mean", "cls", "pooler"])
def test_vectors_and_gradients_are_those_of_transformers(tiny_backbone: Path, pooling: str) -> None:
    model = encoder(tiny_backbone, pooling)
    assert isinstance(model.engine, PackedEngine)
    check_against_transformers(model)


def test_without_gradient_the_vectors_are_the_same_on_any_number_of_threads(tiny_backbone: Path) -> None:
    with_graph = encoder(tiny_backbone)(sequences())
    with torch.no_grad():
        one, two = (encoder(tiny_backbone, threads=threads)(sequences()) for threads in (1, 2))
    assert torch.allclose(one, with_graph, atol=1e-5)
    assert torch.equal(one, two)


def test_with_dropout_the_gradient_is_that_of_the_function_with_the_same_masks(tiny_backbone: Path) -> None:
    model = encoder(tiny_backbone, dropout=0.3)
    batch = sequences()

    def value(shift: float, direction: dict[str, Tensor]) -> float:
        torch.manual_seed(5)  # the same masks
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if name in direction:
                    parameter += shift * direction[name]
        return float((model(batch) ** 3).sum().detach())

    torch.manual_seed(5)
    _, gradient = gradients(model, batch)
    size = torch.sqrt(sum((g**2).sum() for g in gradient.values()))  # type: ignore[arg-type]
    direction = {name: g / size for name, g in gradient.items()}
    above, below = value(1e-2, direction), value(-2e-2, direction)
    assert (above - below) / 2e-2 == pytest.approx(float(size), rel=0.01)


def test_dropout_is_for_training_and_is_drawn_from_torchs_generator(tiny_backbone: Path) -> None:
    model = encoder(tiny_backbone, dropout=0.3)
    drawn = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        drawn.append(model(sequences()))
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.allclose(drawn[0], drawn[2], atol=1e-3)
    evaluated = model.eval()(sequences())
    assert torch.allclose(evaluated, encoder(tiny_backbone)(sequences()), atol=1e-6)


def test_dropout_keeps_the_right_share_and_the_mean() -> None:
    torch.manual_seed(0)
    dropout, arena = Dropout(0.1), Arena()
    masks = torch.stack([dropout.keep(arena, 64, 33, dtype=torch.float32) for _ in range(50)])
    assert set(masks.unique().tolist()) == {0.0, 1.0}
    assert float(masks.mean()) == pytest.approx(0.9, abs=4 * 0.3 / masks.numel() ** 0.5)
    assert abs(masks.mean(0) - 0.9).max() < 6 * 0.3 / 50**0.5  # no place is favoured
    assert dropout.scale == pytest.approx(1 / 0.9)


def test_dropout_of_attention_leaves_its_mean() -> None:
    torch.manual_seed(0)
    lengths, heads = np.array([3, 5]), 2
    packed = torch.randn(8, 3 * 8)
    cut = groups.groups(lengths, heads)
    plain, total = torch.empty(8, 8), torch.zeros(8, 8)
    attend(packed, cut, heads, None, Arena(), plain)
    dropout = Dropout(0.2)
    packed[:, 16:] *= dropout.scale  # as bert.fused does with the values' weights
    for _ in range(2000):
        context = torch.empty(8, 8)
        attend(packed, cut, heads, dropout, Arena(), context)
        total += context / 2000
    assert torch.allclose(total, plain, atol=0.1)


@given(LENGTHS, st.integers(1, 3))
def test_attention_is_that_of_each_sequence_alone(lengths: np.ndarray, heads: int) -> None:
    d, total = 4, int(lengths.sum())
    packed = torch.randn(total, 3 * heads * d, generator=torch.Generator().manual_seed(1))
    context = torch.empty(total, heads * d)
    attend(packed, groups.groups(lengths, heads), heads, None, Arena(), context)
    start = 0
    for length in lengths:  # slow and obvious
        rows = slice(start, start + int(length))
        query, key, value = packed[rows].view(-1, 3, heads, d).permute(1, 2, 0, 3)
        alone = torch.softmax(query @ key.transpose(1, 2), -1) @ value
        assert torch.allclose(context[rows], alone.transpose(0, 1).reshape(-1, heads * d), atol=1e-5)
        start += int(length)


@given(LENGTHS)
def test_groups_hold_each_sequence_once_and_fit_the_cache(lengths: np.ndarray) -> None:
    cuts = list(groups.cuts(lengths))
    assert [i for first, last in cuts for i in range(first, last)] == list(range(len(lengths)))
    for group in groups.groups(lengths, 2):
        assert group.sequences == 1 or group.sequences * group.longest <= groups.TOKENS


def test_tensors_of_an_arena_are_apart_and_its_memory_is_used_again() -> None:
    Arena.pool.clear()
    arena = Arena()
    tensors = [arena(n, 5, dtype=torch.float32) for n in (1, 1000, 7, 10**6, 10**5, 3, 7 * 10**5)]
    for number, tensor in enumerate(tensors):
        tensor.fill_(number)
    assert all(bool((tensor == number).all()) for number, tensor in enumerate(tensors))
    blocks = [block.data_ptr() for block in arena.blocks]
    assert len(blocks) == 2
    assert [tensors[0].data_ptr(), tensors[-1].data_ptr()] == blocks
    del arena
    second = Arena()
    assert second(BLOCK, dtype=torch.uint8).data_ptr() in blocks
    assert second(BLOCK + 1, dtype=torch.uint8).data_ptr() not in blocks


def test_steps_of_any_size_need_no_more_memory_than_the_largest(tiny_backbone: Path) -> None:
    model = encoder(tiny_backbone, dropout=0.1)
    Arena.pool.clear()
    gradients(model, sequences(0, 4000))
    largest = len(Arena.pool)
    assert largest > 1
    for seed, number in enumerate((10, 4000, 700, 2000, 3999)):
        gradients(model, sequences(seed, number))
    assert len(Arena.pool) <= largest + 1


def test_other_encoders_and_other_activations_are_left_to_transformers() -> None:
    from transformers import BertConfig, RobertaConfig

    assert bert.supports(BertConfig())
    assert not bert.supports(BertConfig(hidden_act="relu"))
    assert not bert.supports(RobertaConfig())
