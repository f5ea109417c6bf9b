"""Phase 1: every objective trains on a tiny model, and the losses are what their sources say."""

import json
import re
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
import torch

from protomtl.core.files import read_json
from protomtl.core.sections import settings_of_method
from protomtl.model.encoder import Encoder
from protomtl.model.sequences import TokenTable
from protomtl.params import load
from protomtl.pretraining import train
from protomtl.pretraining.settings import Pretrain
from tests.support import ROOT
from tests.support.makers import padded, patch_params
from tests.support.steps import run_method

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


def test_each_objective_that_may_be_named_is_there() -> None:
    assert {*get_args(Pretrain.model_fields["objective"].annotation)} == train.OBJECTIVES.keys()


@pytest.mark.parametrize("sampling", ["longest", "episodes"])
def test_the_objective_of_the_guide_trains_however_rows_are_drawn(
    prepared: Path, monkeypatch: pytest.MonkeyPatch, sampling: str
) -> None:
    page = (ROOT / "docs/guides/add-an-objective.md").read_text()
    lines = re.search(r"contrastive\.py\n@@ -0,0 \+1,(\d+) @@\n(.*?)```", page, re.DOTALL)
    assert lines and lines[2].count("\n") == int(lines[1])
    module: dict[str, Any] = {}
    exec(re.sub("^\\+", "", lines[2], flags=re.MULTILINE), module)  # noqa: S102  # what a reader would type
    monkeypatch.setitem(train.OBJECTIVES, "tasks", module["objective"])
    patch_params(prepared, {"pretrain": {"objective": "tasks", "sampling": sampling, "pair_encoding": "relation"}})
    run_method("leave_one_out", "pretrain")
    curve = pd.read_csv("results/pretrain/leave_one_out/seed1/train.csv").filter(like="loss")
    assert np.isfinite(curve.to_numpy()).all() and (curve.to_numpy() > 0).all()


def test_r4f_normalises_the_heads_of_pre_finetuning_too(prepared: Path) -> None:
    params = load()
    changes = {"objective": "muppet", "smoothness": {"kind": "r4f", "weight": 0.1}}
    settings = settings_of_method("pretrain", params.pretrain, "x", changes)
    assert settings is not None
    tables = {name: TokenTable.open(Path("data/tokens"), name, "train") for name in params.tasks}
    encoder = Encoder(Path("data/backbone"), "mean", params.compute)
    labels = train.labels_of(tables, settings, 1)
    build = train.OBJECTIVES[settings.objective]
    heads = build(encoder, tables, params.tasks, labels, settings, 1).model.get_submodule("heads")
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
    settings = settings_of_method("pretrain", load().pretrain, "x", {"shuffled_labels": True})
    assert settings is not None
    labels = train.labels_of(tables, settings, 1)["sst"]
    assert sorted(labels) == sorted(tables["sst"].labels) and list(labels) != list(tables["sst"].labels)
    assert list(labels) == list(train.labels_of(tables, settings, 1)["sst"])


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
        encoder.engine = encoder.engine if packed else padded(encoder)
        torch.testing.assert_close(encoder.engine.states(texts, False), torch.cat(slow), atol=1e-5, rtol=1e-4)
