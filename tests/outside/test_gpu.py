"""The packed path on a GPU against the same code on the CPU. Skipped without a GPU that has flash attention."""

import copy
from pathlib import Path

import pytest
import torch
from torch import Tensor

from protomtl.model.device import settle_gpu
from protomtl.model.encoder import Encoder
from protomtl.model.packed import varlen
from protomtl.model.packed.varlen import Layout, VarlenEngine
from tests.unit.model.packed.test_bert import encoder, gradients, sequences

pytestmark = pytest.mark.skipif(
    not torch.cuda.is_available() or not varlen.runs_on(torch.device("cuda")), reason="no GPU with flash attention"
)
CUDA = torch.device("cuda")


@pytest.fixture(autouse=True, scope="module")
def settled() -> None:
    settle_gpu()


def both(folder: Path, dropout: float = 0.0) -> tuple[Encoder, Encoder]:
    """The engine of a GPU, on the CPU and on the GPU."""
    here = encoder(folder, dropout=dropout, precision="bf16")
    here.engine = VarlenEngine(here.network, "mean", "bf16")
    there = copy.deepcopy(here).to(CUDA)
    there.device, there.engine = CUDA, VarlenEngine(there.network, "mean", "bf16")
    return here, there


def test_a_gpu_has_this_engine_for_bert_in_bf16(tiny_backbone: Path) -> None:
    assert isinstance(encoder(tiny_backbone, device="cuda", precision="bf16").engine, VarlenEngine)
    assert not isinstance(encoder(tiny_backbone, device="cuda", precision="fp32").engine, VarlenEngine)


def test_vectors_and_gradients_are_those_of_the_cpu_to_bf16s_precision(tiny_backbone: Path) -> None:
    (ours, our_gradients), (theirs, their_gradients) = (gradients(m, sequences()) for m in both(tiny_backbone))
    assert float((ours - theirs.cpu()).abs().max()) < 0.03
    for name, gradient in our_gradients.items():
        if "key.bias" not in name:  # its gradient is 0 but for rounding
            close = 0.05 * float(gradient.abs().max())
            assert torch.allclose(their_gradients[name].cpu(), gradient, atol=close), name


def test_the_same_seed_gives_the_same_bytes(tiny_backbone: Path) -> None:
    found: list[tuple[Tensor, dict[str, Tensor]]] = []
    for _ in range(2):
        torch.manual_seed(1)
        found.append(gradients(both(tiny_backbone, dropout=0.1)[1], sequences(number=400)))
    assert torch.equal(found[0][0], found[1][0])
    assert all(torch.equal(gradient, found[1][1][name]) for name, gradient in found[0][1].items())


def test_attention_drops_weights_and_leaves_their_mean() -> None:
    torch.manual_seed(0)
    layout = Layout(torch.tensor([0, 3, 8], dtype=torch.int32, device=CUDA), 5)
    packed = torch.randn(8, 3 * 16, device=CUDA, dtype=torch.bfloat16)
    plain = varlen.attend(packed, 2, layout, 0.0).float()
    total = torch.stack([varlen.attend(packed, 2, layout, 0.2).float() for _ in range(2000)])
    assert not torch.equal(total[0], plain) and not torch.equal(total[0], total[1])
    assert torch.allclose(total.mean(0), plain, atol=0.15)
    by_hand = varlen.attend(packed.cpu(), 2, Layout(layout.cumulative.cpu(), 5), 0.0).float()
    assert torch.allclose(plain.cpu(), by_hand, atol=0.03)


def test_a_pass_waits_for_nothing(tiny_backbone: Path) -> None:
    model = both(tiny_backbone, dropout=0.1)[1]
    gradients(model, sequences())  # the first pass loads kernels
    torch.cuda.set_sync_debug_mode("error")
    try:
        model(sequences()).square().sum().backward()
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_compiled_it_is_the_same_to_bf16s_precision(tiny_backbone: Path) -> None:
    model = both(tiny_backbone)[1]
    plain, _ = gradients(model, sequences())
    model.engine = VarlenEngine(model.network, "mean", "bf16", compiled=True)
    for number in (17, 40):
        compiled, _ = gradients(model, sequences(number=number))
    assert float((plain - compiled).abs().max()) < 0.03
