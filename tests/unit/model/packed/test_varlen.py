"""BERT on packed sequences by torch's own operations: what a GPU runs, here with a loop for its attention."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from protomtl.model.encoder import Encoder
from protomtl.model.packed import varlen
from protomtl.model.packed.varlen import Layout, Low, VarlenEngine
from tests.support.makers import padded
from tests.unit.model.packed.test_bert import check_against_transformers, encoder, gradients, sequences


def with_varlen(folder: Path, pooling: str = "mean", dropout: float = 0.0, **compute: Any) -> Encoder:
    model = encoder(folder, pooling, dropout, **compute)
    model.engine = VarlenEngine(model.network, pooling, model.precision)
    return model


@pytest.mark.parametrize("pooling", ["mean", "cls", "pooler"])
def test_vectors_and_gradients_are_those_of_transformers(tiny_backbone: Path, pooling: str) -> None:
    check_against_transformers(with_varlen(tiny_backbone, pooling))


def test_in_bf16_they_are_those_of_autocast_to_its_precision(tiny_backbone: Path) -> None:
    model = with_varlen(tiny_backbone, precision="bf16")
    ours, our_gradients = gradients(model, sequences())
    exact, _ = gradients(with_varlen(tiny_backbone), sequences())
    model.engine = padded(model)
    theirs, their_gradients = gradients(model, sequences())
    assert 0 < float((ours - exact).abs().max()) < 0.03
    assert float((ours - theirs).abs().max()) < 0.03
    for name, gradient in their_gradients.items():
        if "key.bias" not in name:  # its gradient is 0 but for rounding
            assert torch.allclose(our_gradients[name], gradient, atol=0.05 * float(gradient.abs().max())), name


def test_without_a_graph_blocks_give_the_same_vectors(tiny_backbone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = with_varlen(tiny_backbone).eval()
    whole = model(sequences())
    monkeypatch.setattr(varlen, "TOKENS", 100)
    batch = sequences()
    assert len(varlen.blocks(batch.lengths, np.arange(40))) > 3
    with torch.no_grad():
        assert torch.allclose(model(batch), whole, atol=1e-6)


def test_noise_moves_the_words_and_has_a_gradient(tiny_backbone: Path) -> None:
    found = []
    for engine in (None, padded):
        model, batch = with_varlen(tiny_backbone), sequences()
        noise = torch.randn(len(batch.tokens), 32, generator=torch.Generator().manual_seed(1)).requires_grad_()
        if engine is not None:
            model.engine = engine(model)
        (model(batch, noise) ** 3).sum().backward()
        found.append(noise.grad)
    assert torch.allclose(*found, atol=1e-4 * float(found[1].abs().max()))


def test_states_of_tokens_stand_in_the_order_given(tiny_backbone: Path) -> None:
    model, batch = with_varlen(tiny_backbone), sequences()
    ours = model.engine.states(batch, True)
    assert torch.allclose(ours, padded(model).states(batch, True), atol=1e-5)


def test_dropout_is_for_training_and_is_drawn_from_torchs_generator(tiny_backbone: Path) -> None:
    model = with_varlen(tiny_backbone, dropout=0.3)
    drawn = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        drawn.append(model(sequences()))
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.allclose(drawn[0], drawn[2], atol=1e-3)
    assert torch.allclose(model.eval()(sequences()), with_varlen(tiny_backbone)(sequences()), atol=1e-6)


def test_attention_drops_weights_and_leaves_their_mean() -> None:
    torch.manual_seed(0)
    layout = Layout(torch.tensor([0, 3, 8], dtype=torch.int32), 5)
    packed = torch.randn(8, 3 * 8)
    plain = varlen.attend(packed, 2, layout, 0.0)
    total = sum(varlen.attend(packed, 2, layout, 0.2) for _ in range(2000)) / 2000
    assert not torch.equal(varlen.attend(packed, 2, layout, 0.2), plain)
    assert torch.allclose(total, plain, atol=0.1)


def test_weights_in_low_precision_are_joined_and_their_gradients_come_back() -> None:
    a, b, c = (torch.randn(n, 3, requires_grad=True) for n in (2, 4, 5))
    joined, alone = Low.apply(torch.bfloat16, [2, 1], a, b, c)
    assert torch.equal(joined, torch.cat([a, b]).bfloat16()) and torch.equal(alone, c.bfloat16())
    (joined.float().square().sum() + 3 * alone.float().sum()).backward()
    for parameter, wanted in ((a, 2 * a.bfloat16()), (b, 2 * b.bfloat16()), (c, 3 * torch.ones_like(c))):
        assert parameter.grad is not None and parameter.grad.dtype == torch.float32
        assert torch.equal(parameter.grad, wanted.float())


def on_meta(folder: Path, dropout: float) -> Encoder:
    """The engine of a GPU on a device whose tensors have no values: what reads one there fails."""
    model = encoder(folder, dropout=dropout, precision="bf16")
    model.network, model.device = model.network.to("meta"), torch.device("meta")
    model.engine = VarlenEngine(model.network, "mean", "bf16")
    return model


@pytest.mark.parametrize("dropout", [0.0, 0.1])
def test_a_pass_waits_for_nothing_on_the_device(tiny_backbone: Path, dropout: float) -> None:
    model = on_meta(tiny_backbone, dropout)
    vectors = model(sequences())
    assert (vectors.shape, vectors.dtype, vectors.device.type) == ((40, 32), torch.float32, "meta")
    vectors.square().sum().backward()
    for name, parameter in model.named_parameters():
        assert "pooler" in name or (parameter.grad is not None and parameter.grad.dtype == torch.float32), name
    with pytest.raises(RuntimeError, match="meta"):
        vectors.sum().item()  # a read is seen


def test_torch_compiles_a_pass_whole(tiny_backbone: Path) -> None:
    model = on_meta(tiny_backbone, 0.1)
    shapes: list[int] = []

    def backend(graph: Any, inputs: list[Tensor]) -> Any:
        shapes.append(len(inputs))
        return graph.forward

    model.engine.encode = torch.compile(varlen.encode, dynamic=True, fullgraph=True, backend=backend)
    for number in (40, 30, 17):
        model(sequences(number, number)).sum().backward()
    assert len(shapes) == 1  # one graph for all lengths


def test_flash_attention_takes_some_heads_only() -> None:
    from transformers import BertConfig

    assert varlen.supports(BertConfig())  # 64 a head
    assert not varlen.supports(BertConfig(hidden_size=48, num_attention_heads=4))  # 12 is no multiple of 8
    assert not varlen.supports(BertConfig(hidden_size=528, num_attention_heads=2))  # 264 is too wide
    assert not varlen.supports(BertConfig(hidden_act="relu"))
