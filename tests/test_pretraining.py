"""Phase 1: every objective trains on a tiny model, and the losses are what their sources say."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from protomtl import muppet, pretraining
from protomtl.config import load, recipe
from protomtl.encoder import Encoder
from protomtl.files import read_json
from protomtl.mlm import masked
from protomtl.tokens import Sequences, TokenTable

from .conftest import ROOT, patch_params
from .steps import run_method, run_steps

TASKS = load(ROOT / "params.yaml").tasks


def test_a_guess_costs_one_in_every_task() -> None:
    assert muppet.chance_loss(TASKS["sst"], np.array([])) == math.log(5)
    assert muppet.chance_loss(TASKS["para"], np.array([])) == math.log(2)
    assert muppet.chance_loss(TASKS["sts"], np.array([0.0, 4.0])) == 4.0  # the variance: guessing 2 costs 4


def test_the_control_has_the_classes_of_the_prototypes() -> None:
    assert [muppet.as_classes(task).classes for task in TASKS.values()] == [5, 2, 6]


@pytest.fixture
def prepared(workdir: Path) -> Path:
    run_steps("download", "backbone", "prepare", "tokenize")
    return workdir


OBJECTIVES = [
    {"objective": "softmax"},
    {"objective": "muppet", "smoothness": {"kind": "r3f", "weight": 0.1, "radius": 1e-3}},
    {"objective": "muppet", "smoothness": {"kind": "smart", "weight": 0.1, "radius": 1e-3}, "sampling": "sqrt"},
    {"objective": "muppet", "smoothness": {"kind": "r4f", "weight": 0.1, "radius": 1e-3}},
    {"objective": "mlm"},
    {"prototypes": "leave_one_out"},
    {"prototypes": "episode", "distance": "squared_euclidean"},
    {"prototypes": "epoch", "distance": "cosine", "gradients": "pcgrad"},
    {"shuffled_labels": True},
]


@pytest.mark.parametrize("changes", OBJECTIVES, ids=lambda changes: "-".join(map(str, list(changes.values())[:2])))
def test_every_objective_trains_the_encoder_and_fine_tuning_goes_on(prepared: Path, changes: dict[str, object]) -> None:
    patch_params(prepared, {"pretrain": {**changes, "epochs": 6, "steps_per_epoch": 10, "lr": 1e-3}})
    run_method("prototypical", "pretrain", "finetune")
    folder = prepared / "results/pretrain/prototypical/seed1"
    lines = (folder / "train.csv").read_text().splitlines()
    losses = [float(line.split(",")[3]) for line in lines[1:]]
    if not changes.get("shuffled_labels"):
        assert np.mean(losses[-10:]) < np.mean(losses[:10])
    before = (prepared / "data/backbone/model.safetensors").read_bytes()
    assert (folder / "encoder/model.safetensors").read_bytes() != before
    assert (
        read_json(folder / "config.json")["pretrain"].items()
        >= {k: v for k, v in changes.items() if k != "smoothness"}.items()
    )


def test_r4f_normalises_the_heads_of_pre_finetuning_too(prepared: Path) -> None:
    params = load()
    changes = {"objective": "muppet", "smoothness": {"kind": "r4f", "weight": 0.1}}
    settings = recipe(params.pretrain, "x", changes)
    assert settings is not None
    tables = {name: TokenTable.open(Path("data/tokens"), name, "train") for name in params.tasks}
    encoder = Encoder(Path("data/backbone"), "mean", params.compute)
    heads = pretraining.build(encoder, tables, params.tasks, settings, 1).model.get_submodule("heads")
    for name in params.tasks:
        weight = heads.get_submodule(f"{name}.linear").weight
        assert torch.linalg.matrix_norm(weight, 2).item() == pytest.approx(1.0, abs=1e-5)


def test_a_tokenizer_without_a_mask_cannot_learn_masked_words(prepared: Path) -> None:
    path = prepared / "data/tokens/tokens.json"
    path.write_text(json.dumps(read_json(path) | {"mask": None}))
    patch_params(prepared, {"pretrain": {"objective": "mlm"}})
    with pytest.raises(SystemExit, match="no mask token"):
        run_method("prototypical", "pretrain")


def test_shuffled_labels_are_the_same_labels_elsewhere(prepared: Path) -> None:
    tables = {"sst": TokenTable.open(Path("data/tokens"), "sst", "train")}
    settings = recipe(load().pretrain, "x", {"shuffled_labels": True})
    assert settings is not None
    labels = pretraining.labels_of(tables, settings, 1)["sst"]
    assert sorted(labels) == sorted(tables["sst"].labels) and list(labels) != list(tables["sst"].labels)
    assert list(labels) == list(pretraining.labels_of(tables, settings, 1)["sst"])


def test_a_seventh_of_the_words_is_hidden_and_no_special_token() -> None:
    torch.manual_seed(0)
    tokens = np.tile(np.array([2, *range(5, 45), 3]), 500)
    texts = Sequences(tokens, np.zeros_like(tokens), np.full(500, 42), 0)
    hidden, chosen = masked(texts, {"cls": 2, "sep": 3, "mask": 4}, 50)
    assert len(chosen) == round(0.15 * 500 * 40)
    changed = hidden.tokens != texts.tokens
    assert (
        not changed[np.isin(tokens, [2, 3])].any() and not changed[np.setdiff1d(np.arange(len(tokens)), chosen)].any()
    )
    shown = hidden.tokens[chosen.numpy()]
    assert (shown == 4).mean() == pytest.approx(0.8, abs=0.03)
    assert (shown == texts.tokens[chosen.numpy()]).mean() == pytest.approx(0.1 + 0.1 / 50, abs=0.03)


def test_states_are_those_of_transformers_in_the_order_given(prepared: Path) -> None:
    from transformers import AutoModel

    texts = TokenTable.open(Path("data/tokens"), "sst", "train").single(np.arange(6), 0)
    model = AutoModel.from_pretrained("data/backbone").eval()
    slow = [
        model(input_ids=torch.from_numpy(part)[None]).last_hidden_state[0]
        for part in np.split(texts.tokens, np.cumsum(texts.lengths)[:-1])
    ]
    for packed in (True, False):
        encoder = Encoder(Path("data/backbone"), "mean", load().compute).eval()
        encoder.packed = packed
        torch.testing.assert_close(encoder.states(texts), torch.cat(slow), atol=1e-5, rtol=1e-4)
