"""What a GPU runs, here on the CPU: the losses and gradients of every method, and nothing read from the device."""

from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from protomtl.core import sections
from protomtl.model.encoder import Encoder
from protomtl.model.multitask import MultiTaskModel, trained_parameters
from protomtl.model.packed.varlen import VarlenEngine
from protomtl.model.sequences import TokenTable
from protomtl.model.settings import Compute
from protomtl.params import Params, load
from protomtl.pretraining.train import OBJECTIVES, labels_of
from protomtl.steps.finetune.losses import finetuning_losses
from protomtl.training import loop, sampling
from protomtl.training.settings import Training
from protomtl.training.weighting import Uncertainty, fixed
from tests.support.makers import padded

PRETRAINED = ["prototypical", "prototypical_sum", "leave_one_out", "episodes", "cosine_prototypes", "epoch_prototypes"]
PRETRAINED += ["softmax_pretrained", "muppet_r3f", "mlm"]
FINETUNED = ["unfrozen", "concat", "cosine", "joint", "smart", "prototypes_throughout", "uncertainty", "best"]
CASES = [("pretrain", method) for method in PRETRAINED] + [("finetune", method) for method in FINETUNED]
# Which classes were seen is known on the device only; torch's autocast knows no such device.
LEFT_OUT = ["epoch_prototypes", "mlm"]
Found = tuple[dict[str, float], dict[str, Tensor]]


@pytest.fixture(scope="module")
def cases(prepared_once: Path) -> Iterator[Params]:
    """Nothing here writes where the data are."""
    with chdir(prepared_once):
        yield load()


def objective_of(phase: str, method: str, encoder: Encoder, params: Params) -> tuple[loop.Objective, Training]:
    """One phase of a method, as its step builds it."""
    chosen = params.method[method]
    tables = {name: TokenTable.open(Path("data/tokens"), name, "train") for name in params.tasks}
    if phase == "pretrain":
        settings = sections.settings_of_method(phase, params.pretrain, method, chosen.pretrain or {})
        build = OBJECTIVES[settings.objective]
        return build(encoder, tables, params.tasks, labels_of(tables, settings, 1), settings, 1), settings
    settings = sections.settings_of_method(phase, params.finetune, method, chosen.finetune)
    model = MultiTaskModel(encoder, params.tasks, settings, 1)
    weigh = Uncertainty(params.tasks).to(encoder.device) if settings.weighting == "uncertainty" else None
    trained = nn.ModuleDict({"encoder": encoder, "heads": model.heads} | ({"weigh": weigh} if weigh else {}))
    return loop.Objective(
        trained, finetuning_losses(model, tables, params.tasks, settings), weigh or fixed({})
    ), settings


def opened(**compute: object) -> Encoder:
    base = Compute(device="cpu", precision="fp32", threads=1, processes=1)
    return Encoder(Path("data/backbone"), "mean", base.model_copy(update=compute))


def first_step(phase: str, method: str, encoder: Encoder, params: Params) -> Found:
    """The losses of the first step, and the gradient of their sum, without dropout."""
    objective, settings = objective_of(phase, method, encoder, params)
    for module in objective.model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    config = encoder.network.config
    config.hidden_dropout_prob = config.attention_probs_dropout_prob = 0.0
    rows = sampling.draw(dict.fromkeys(params.tasks, 48), settings, 1, 0, 0, 2)
    torch.manual_seed(1)
    objective.model.train()
    found = objective.losses(rows)
    torch.stack(objective.weigh(found)).sum().backward()
    named = trained_parameters(objective.model)
    return {n: v.item() for n, v in found.items()}, {n: p.grad for n, p in named.items() if p.grad is not None}


def assert_same(found: Found, wanted: Found) -> None:
    assert found[0] == pytest.approx(wanted[0], rel=1e-5, abs=1e-6)
    assert set(found[1]) == set(wanted[1])
    largest = max(float(gradient.abs().max()) for gradient in wanted[1].values())
    for name, gradient in wanted[1].items():
        close = 1e-3 * float(gradient.abs().max()) + 1e-5 * largest  # some are nothing but rounding errors
        assert torch.allclose(found[1][name], gradient, atol=close), name


@pytest.mark.parametrize(("phase", "method"), CASES)
def test_losses_and_gradients_are_those_of_the_padded_way(cases: Params, phase: str, method: str) -> None:
    found = []
    for engine in (padded, lambda encoder: VarlenEngine(encoder.network, "mean", "fp32")):
        encoder = opened()
        encoder.engine = engine(encoder)
        found.append(first_step(phase, method, encoder, cases))
    assert_same(found[1], found[0])


@pytest.mark.parametrize("way", ["packed", "varlen", "padded"])
@pytest.mark.parametrize(("phase", "method"), CASES)
def test_a_step_in_parts_has_the_same_losses_and_gradients(cases: Params, phase: str, method: str, way: str) -> None:
    found = []
    for size in (0, 7):
        encoder = opened(micro_batch=size)
        if way == "varlen":
            encoder.engine = VarlenEngine(encoder.network, "mean", "fp32")
        elif way == "padded":
            encoder.engine = padded(encoder)
        found.append(first_step(phase, method, encoder, cases))
    assert_same(found[1], found[0])


@pytest.mark.parametrize(("phase", "method"), [case for case in CASES if case[1] not in LEFT_OUT])
def test_a_step_reads_nothing_from_the_device(cases: Params, phase: str, method: str) -> None:
    """On a device whose tensors have no values: what reads one there fails."""
    encoder = opened(precision="bf16")
    encoder.network, encoder.device = encoder.network.to("meta"), torch.device("meta")
    encoder.engine = VarlenEngine(encoder.network, "mean", "bf16")
    objective, settings = objective_of(phase, method, encoder, cases)
    objective.model.to("meta")
    optimizer = torch.optim.SGD(objective.model.parameters())  # torch has no fused AdamW there
    rows = sampling.draw(dict.fromkeys(cases.tasks, 48), settings, 1, 0, 0, 2)
    losses = loop.update(objective, optimizer, rows, settings)
    assert {"loss", *(f"loss_{name}" for name in cases.tasks)} == set(losses)
    assert all(value.device.type == "meta" for value in losses.values())
