"""The heads of the appendix, Tables 3 to 5: layers, shapes, sums by hand and gradients."""

import math
from pathlib import Path

import pytest
import torch
from torch import nn

from protomtl import params
from protomtl.core import sections
from protomtl.model import heads
from protomtl.tasks import tensors
from protomtl.training.settings import Finetune
from protomtl.training.weighting import Uncertainty
from tests.support import ROOT

PARAMS = params.load(ROOT / "params.yaml")
TASKS = PARAMS.tasks
WIDTH = 6


def settings(method: str) -> Finetune:
    return sections.settings_of_method("finetune", PARAMS.finetune, method, PARAMS.method[method].finetune)


def built(method: str) -> nn.ModuleDict:
    return heads.build_heads(TASKS, WIDTH, settings(method)).eval()


def inputs(name: str, chosen: Finetune, rows: int = 4) -> tuple[torch.Tensor, ...]:
    groups = {"concat": 1, "joint": 3}.get(chosen.encoding_of(name), 2) if TASKS[name].pair else 1
    return tuple(torch.randn(rows, WIDTH) for _ in range(groups))


@pytest.mark.parametrize("method", PARAMS.method)
def test_every_method_gives_one_output_per_class_or_value(method: str) -> None:
    for name in TASKS:
        assert built(method)[name](*inputs(name, settings(method))).shape == (4, {"sst": 5}.get(name, 1))


def test_sentiment_head_is_table_3() -> None:
    head = built("unfrozen")["sst"]
    assert (head.dropout.p, head.linear.in_features, head.linear.out_features) == (0.3, WIDTH, 5)


@pytest.mark.parametrize("name", ["para", "sts"])
def test_pair_heads_are_tables_4_and_5(name: str) -> None:
    head = built("unfrozen")[name]
    assert head.dropout.p == 0.3
    assert [(layer.in_features, layer.out_features) for layer in head.hidden] == [(WIDTH, WIDTH)] * 2
    assert head.hidden[0] is not head.hidden[1]
    assert (head.linear.in_features, head.linear.out_features) == (WIDTH, 1)
    a, b = torch.randn(2, 3, WIDTH)
    by_hand = head.linear(torch.mul(head.hidden[0](a), head.hidden[1](b)))
    assert torch.equal(head(a, b), by_hand)


@pytest.mark.parametrize(
    ("method", "width"), [("add_combination", 6), ("mult_combination", 6), ("concat_combination", 12)]
)
def test_combinations_of_the_poster_have_one_linear_layer(method: str, width: int) -> None:
    head = built(method)["para"]
    assert head.hidden is None and head.linear.in_features == width
    a, b = torch.ones(1, WIDTH) * 2, torch.ones(1, WIDTH) * 3
    nn.init.ones_(head.linear.weight), nn.init.zeros_(head.linear.bias)
    assert head(a, b).item() == {"add": 30.0, "mult": 36.0, "concat": 30.0}[settings(method).combine]


def test_a_relation_is_the_difference_and_the_product_at_length_one() -> None:
    head = built("frozen_lda")["para"]
    assert head.hidden is None and head.linear.in_features == 2 * WIDTH
    found = heads.combine_pair(torch.tensor([[3.0, 4.0]]), torch.tensor([[0.0, 2.0]]), "relation")
    assert found.tolist() == [pytest.approx([0.6, 0.2, 0.0, 0.8])]
    a, b = torch.randn(2, 3, WIDTH)
    assert torch.equal(heads.combine_pair(a, b, "relation"), heads.combine_pair(b, a, "relation"))


def test_values_read_as_classes_have_an_output_for_each_and_their_mean() -> None:
    head = built("frozen_prototypes")["sts"]
    assert head.classes.linear.out_features == 6
    with torch.no_grad():
        head.classes.linear.weight.zero_()
        head.classes.linear.bias.copy_(torch.tensor([0.0, 0.0, -math.inf, -math.inf, -math.inf, 0.0]))
    assert head(*torch.randn(2, 1, WIDTH)).item() == pytest.approx((0 + 1 + 5) / 3)


def test_shared_layers_are_the_same_parameters_in_both_pair_tasks() -> None:
    shared, separate = built("shared_layers"), built("unfrozen")
    assert shared["para"].hidden is shared["sts"].hidden
    assert separate["para"].hidden is not separate["sts"].hidden
    assert shared["para"].linear is not shared["sts"].linear


def test_cosine_head_is_five_times_the_positive_part_of_the_cosine() -> None:
    head = built("cosine")["sts"]
    a = torch.tensor([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
    b = torch.tensor([[2.0, 0.0], [1.0, 1.0], [-1.0, 0.0]])
    assert head(a, b)[:, 0].tolist() == pytest.approx([5.0, 5 / math.sqrt(2), 0.0], abs=1e-6)
    assert not list(head.parameters())


def test_dropout_acts_in_training_only() -> None:
    head = built("unfrozen")["para"]
    a, b = torch.randn(2, 8, WIDTH)
    assert torch.equal(head(a, b), head(a, b))
    head.train()
    assert not torch.equal(head(a, b), head(a, b))


@pytest.mark.parametrize("method", ["unfrozen", "cosine", "shared_layers", "concat", "add_combination", "joint"])
def test_gradients_of_heads_and_losses_against_finite_differences(method: str) -> None:
    torch.manual_seed(1)
    built_heads = built(method).double()
    for name, task in TASKS.items():
        vectors = tuple(v.double().requires_grad_() for v in inputs(name, settings(method)))
        labels = torch.tensor([0.0, 1.0, 1.0, 0.0]).double()
        assert torch.autograd.gradcheck(
            lambda *v, n=name, t=task, y=labels: tensors.task_loss(t, built_heads[n](*v), y), vectors
        )


def test_losses_worked_by_hand() -> None:
    uniform = tensors.task_loss(TASKS["sst"], torch.zeros(2, 5), torch.tensor([0.0, 4.0]))
    assert uniform.item() == pytest.approx(math.log(5))
    logits = torch.tensor([[2.0], [-1.0]])
    binary = tensors.task_loss(TASKS["para"], logits, torch.tensor([1.0, 1.0]))
    assert binary.item() == pytest.approx((math.log(1 + math.exp(-2)) + math.log(1 + math.exp(1))) / 2)
    squared = tensors.task_loss(TASKS["sts"], torch.tensor([[1.0], [4.0]]), torch.tensor([3.0, 4.5]))
    assert squared.item() == pytest.approx((4 + 0.25) / 2)


def test_probabilities() -> None:
    assert tensors.probabilities(TASKS["sst"], torch.zeros(1, 5)).tolist()[0] == pytest.approx([0.2] * 5)
    assert tensors.probabilities(TASKS["para"], torch.zeros(1, 1)).tolist() == [[0.5, 0.5]]
    assert tensors.probabilities(TASKS["sts"], torch.tensor([[7.0], [-1.0], [2.5]]))[:, 0].tolist() == [7.0, -1.0, 2.5]


def test_a_pair_that_was_encoded_both_ways_has_the_mean_of_both() -> None:
    head = built("both_ways")["para"]
    a, b = torch.randn(4, WIDTH), torch.randn(4, WIDTH)
    torch.testing.assert_close(head(a, b), head((a + b) / 2))


def test_a_joint_head_is_the_mean_of_one_for_the_whole_pair_and_one_for_its_texts() -> None:
    head = built("joint")["sts"]
    nn.init.zeros_(head.whole.linear.weight), nn.init.constant_(head.whole.linear.bias, 3.0)
    a, b = torch.tensor([[1.0, 0, 0, 0, 0, 0]]), torch.tensor([[3.0, 4.0, 0, 0, 0, 0]])
    assert head(torch.randn(1, WIDTH), a, b).item() == pytest.approx((3.0 + 5 * 0.6) / 2)
    assert isinstance(built("joint")["para"].parts, heads.PairHead)
    assert isinstance(built("joint")["sst"], heads.SingleHead)


def test_each_pair_task_can_have_its_own_encoding() -> None:
    chosen = {"similarity": "cosine", "pair_encoding": {"para": "concat", "sts": "separate"}}
    mixed = heads.build_heads(TASKS, WIDTH, sections.settings_of_method("finetune", PARAMS.finetune, "x", chosen))
    assert [type(mixed[name]) for name in TASKS] == [heads.SingleHead, heads.SingleHead, heads.CosineHead]


def test_smoothed_labels_worked_by_hand() -> None:
    ordered = tensors.soft_labels(TASKS["sst"], 0.2)
    assert ordered[0].tolist() == pytest.approx([0.8, 0.2, 0, 0, 0])
    assert ordered[2].tolist() == pytest.approx([0, 0.1, 0.8, 0.1, 0])
    unordered = tensors.soft_labels(TASKS["sst"].model_copy(update={"ordered": False}), 0.2)
    assert unordered[1].tolist() == pytest.approx([0.04, 0.84, 0.04, 0.04, 0.04])
    logits = torch.log(torch.tensor([[2.0, 1, 1, 1, 1]]))  # probabilities 1/3 and 1/6
    loss = tensors.task_loss(TASKS["sst"], logits, torch.tensor([0.0]), 0.2).item()
    assert loss == pytest.approx(0.8 * math.log(3) + 0.2 * math.log(6), abs=1e-6)
    # A binary label 1 becomes 0.9; at logit 0 the loss is log 2 whatever the label.
    labels, logit = torch.tensor([1.0]), torch.tensor([[2.0]])
    loss = tensors.task_loss(TASKS["para"], logit, labels, 0.2).item()
    p = 1 / (1 + math.exp(-2))
    assert loss == pytest.approx(-0.9 * math.log(p) - 0.1 * math.log(1 - p), abs=1e-6)


def test_spectral_heads_have_norm_one_and_are_saved_whole(tmp_path: Path) -> None:
    from protomtl.model.checkpoint import load_heads, save_heads

    chosen = sections.settings_of_method(
        "finetune", PARAMS.finetune, "x", {"smoothness": {"kind": "r4f", "weight": 1.0}}
    )
    first, second = (heads.build_heads(TASKS, WIDTH, chosen) for _ in range(2))
    assert torch.linalg.matrix_norm(first["sst"].linear.weight, 2).item() == pytest.approx(1.0)
    save_heads(first, tmp_path / "heads.safetensors")
    load_heads(second, tmp_path / "heads.safetensors")
    assert torch.equal(first["sst"].linear.weight, second["sst"].linear.weight)


def test_tasks_may_have_any_name_and_ordinary_ones_keep_their_parameters_names() -> None:
    taken = [name for name in dir(nn.ModuleDict()) if not name.startswith("__")]
    names = [*taken, *dir(nn.ParameterDict()), "a.b", "a%2Eb", "%type", "", "forward", "keys", "type", "training"]
    escaped = {name: heads.attribute(name) for name in dict.fromkeys(names)}
    assert len(set(escaped.values())) == len(escaped)
    assert heads.attribute("sst") == "sst" and heads.attribute("type") != "type"
    several = dict.fromkeys(escaped, TASKS["sst"])
    found = heads.build_heads(several, WIDTH, settings("unfrozen"))
    assert len(found) == len(several) and len(dict(found.named_parameters())) == 2 * len(several)
    assert [name for name, _ in built("unfrozen")["sst"].named_parameters()] == ["linear.weight", "linear.bias"]
    assert {name.partition(".")[0] for name, _ in built("unfrozen").named_parameters()} == set(TASKS)
    Uncertainty(several)
