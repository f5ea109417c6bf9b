"""Heads that begin as prototypes or as a regression: before the first step they predict what these do."""

from pathlib import Path

import numpy as np
import pytest
import torch

from protomtl import params
from protomtl.core.sections import settings_of_method
from protomtl.model.encoder import Encoder
from protomtl.model.multitask import MultiTaskModel
from protomtl.model.sequences import TokenTable
from protomtl.steps.finetune.closed_form import start_heads
from protomtl.steps.finetune.step import objective_of
from protomtl.tasks.settings import main_tasks

CHANGES = {"pair_encoding": "concat"}


def started(how: str) -> MultiTaskModel:
    chosen = params.load()
    settings = settings_of_method("finetune", chosen.finetune, "x", {**CHANGES, "start": how})
    model = MultiTaskModel(Encoder(Path("data/backbone"), "mean", chosen.compute), chosen.tasks, settings, 1)
    if how != "random":
        start_heads(model, chosen.tasks, how, 1)
    return model


def test_heads_that_begin_as_prototypes_predict_by_distance_and_prior(prepared: Path) -> None:
    """w = 2τc and b = -τ|c|² + log π: class means and frequencies by numpy; τ is what the two agree on."""
    model, tasks = started("prototypes"), params.load().tasks
    for name in ("sst", "para"):
        table = TokenTable.open(Path("data/tokens"), name, "train")
        x = model.embed(table, np.arange(len(table)))[0].double().numpy()
        y = np.array(table.labels, int)
        means = np.stack([x[y == k].mean(0) for k in range(tasks[name].number_of_classes)])
        prior = np.log(np.bincount(y) / len(y))
        with torch.no_grad():
            logits = model.heads[name](torch.from_numpy(x).float()).double().numpy()
        if name == "para":
            logits = np.hstack([np.zeros_like(logits), logits])
        far = ((x[:, None] - means) ** 2).sum(2)
        ours, theirs = logits - logits[:, :1], -(far - far[:, :1])
        scale = np.median((ours - (prior - prior[0]))[:, 1:] / theirs[:, 1:])
        assert scale > 0
        assert ours == pytest.approx(scale * theirs + prior - prior[0], rel=2e-2, abs=2e-2 * np.abs(ours).max())


@pytest.mark.parametrize("how", ["prototypes", "lda", "logistic"])
def test_a_bias_at_the_mean_is_for_heads_that_begin_at_random(prepared: Path, how: str) -> None:
    """A fitted head of values keeps its bias; one of random weights gets that of the mean."""
    chosen = params.load()
    main = main_tasks(chosen.tasks)
    tables = {name: TokenTable.open(Path("data/tokens"), name, "train") for name in main}
    mean = float(np.mean(tables["sts"].labels))
    found = {}
    for start in (how, "random"):
        model = started(start)
        before = model.heads["sts"].linear.bias.item()
        changes = {**CHANGES, "start": start, "value_bias": "mean"}
        settings = settings_of_method("finetune", chosen.finetune, "x", changes)
        objective_of(model, main, tables, settings, 1)
        found[start] = before, model.heads["sts"].linear.bias.item()
    assert found[how][0] == found[how][1] != pytest.approx(mean)
    assert found["random"][1] == pytest.approx(mean) and found["random"][0] != found["random"][1]


def test_a_class_without_a_row_begins_improbable_and_not_impossible(prepared: Path) -> None:
    labels = np.load("data/tokens/sst/train/labels.npy")
    np.save("data/tokens/sst/train/labels.npy", np.where(labels == 4, 3, labels))
    for how in ("prototypes", "logistic", "lda"):
        model = started(how)
        assert all(torch.isfinite(parameter).all() for parameter in model.heads.parameters())
        assert model.heads["sst"].linear.bias[4] == -30


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"start": "lda"}, "`start: lda` needs `fit: steps` and one linear layer"),
        ({"start": "lda", "pair_encoding": "joint", "hidden": False}, "no joint pairs"),
        ({"start": "lda", "pair_encoding": "concat", "smoothness": {"kind": "r4f", "weight": 1.0}}, "and r4f both"),
    ],
)
def test_a_start_that_no_head_can_have_is_refused(prepared: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(SystemExit, match=message):
        settings_of_method("finetune", params.load().finetune, "x", changes)
