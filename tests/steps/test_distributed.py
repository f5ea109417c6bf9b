"""Several processes for one training: the same losses as one process, the same bytes as the same number again."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file

from protomtl.core import runner, sections
from protomtl.core.paths import results
from protomtl.core.yaml_reader import read_yaml
from protomtl.model import distributed
from protomtl.model.encoder import Encoder
from protomtl.model.sequences import TokenTable
from protomtl.params import load
from protomtl.pretraining import train
from protomtl.pretraining.settings import Pretrain
from protomtl.steps import pretrain
from protomtl.steps.finetune import step as finetune
from protomtl.training import resume, sampling
from tests.support.makers import make_workdir, patch_params
from tests.support.steps import UNTRAINED, run_method, run_steps

# What differs in its mathematics: objectives, kinds of prototypes, noise, a frozen encoder, surgery, learned weights.
PRETRAINED = ["prototypical", "softmax_pretrained", "episodes", "cosine_prototypes", "epoch_prototypes"]
PRETRAINED += ["prototypes_throughout", "muppet_r3f", "mlm"]
METHODS = [*PRETRAINED, "baseline", "pcgrad", "uncertainty", "smart", "joint"]
REFUSED = "cosine"


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory, tiny_backbone: Path) -> Path:
    """A folder in which one process has trained all methods, without dropout in the encoder."""
    folder = tmp_path_factory.mktemp("alone")
    backbone = shutil.copytree(tiny_backbone, folder / "backbone")
    settings = json.loads((backbone / "config.json").read_text())
    settings |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (backbone / "config.json").write_text(json.dumps(settings))
    make_workdir(folder, backbone)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run_steps(*UNTRAINED)
        for work in (pretrain_all, finetune_all, save_gradients, few_rows):
            work()
    return folder


@pytest.fixture(scope="module")
def together(alone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, trained by two processes.

    Fine-tuning starts from the encoders of the one process: the distances of prototypes do not change when all
    embeddings are shifted, so that the gradient of the last bias is nothing but rounding errors, which AdamW enlarges.
    What they do last is refused: another one trains it. What they say then is in the file `said`.
    """
    folder = tmp_path_factory.mktemp("together") / "p"
    shutil.copytree(alone, folder, ignore=shutil.ignore_patterns("results", ".state"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        with (
            resume.exclusive("finetune", REFUSED, 1, "key"),
            said_in(folder / "said"),
            pytest.raises(SystemExit, match=r"^one of 2 processes ended"),
        ):
            distributed.run(2, all_of_it, alone)
    return folder


@contextmanager
def said_in(path: Path) -> Iterator[None]:
    """Standard error of this process and of those that it starts goes into a file."""
    kept = os.dup(2)
    try:
        with path.open("w") as file:
            os.dup2(file.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def all_of_it(alone: Path) -> None:
    pretrain_all()
    save_gradients()
    few_rows()
    if distributed.is_main():
        results("pretrain").rename("pretrained")
        shutil.copytree(alone / results("pretrain"), results("pretrain"))
        pretrain.run(**runner.arguments(pretrain.run, REFUSED, 1))
    distributed.wait()
    finetune_all()
    finetune.train(**runner.arguments(finetune.run, REFUSED, 1))


def pretrain_all() -> None:
    """Phase 1 of all methods, as one of any number of processes."""
    for method in METHODS:
        given = runner.arguments(pretrain.run, method, 1)
        if method in PRETRAINED:
            train.train_encoder(results("pretrain", method, 1), *given.values())
        elif distributed.is_main():
            pretrain.run(**given)


def finetune_all() -> None:
    for method in METHODS:
        finetune.train(**runner.arguments(finetune.run, method, 1))


def save_gradients() -> None:
    """The gradients of one step by prototypes, and by hidden words, whose output weights are its input's."""
    params = load()
    tables = {name: TokenTable.open(Path("data/tokens"), name, "train") for name in params.tasks}
    for method in ("prototypical", "mlm"):
        settings = sections.phase_settings(read_yaml(sections.PARAMS), "pretrain", Pretrain, method)
        encoder = Encoder(Path("data/backbone"), "mean", params.compute)
        labels = train.labels_of(tables, settings, 1)
        build = train.OBJECTIVES[settings.objective]
        objective = build(encoder, tables, params.tasks, labels, settings, 1)
        sizes = {name: len(table) for name, table in tables.items()}
        torch.manual_seed(1)
        losses = objective.losses(sampling.draw(sizes, settings, 1, 0, 0, 2))
        torch.stack(objective.weigh(losses)).sum().backward()
        gradients = {name: p.grad for name, p in objective.model.named_parameters() if p.grad is not None}
        distributed.average(list(gradients.values()))
        if distributed.is_main():
            save_file(gradients, f"{method}.gradients")


@pytest.mark.parametrize("method", PRETRAINED)
def test_two_processes_have_the_loss_curve_of_one_in_phase_1(alone: Path, together: Path, method: str) -> None:
    """To 1e-5; prototypes that remember earlier steps do see a shift of all embeddings (`together`)."""
    paths = (alone / f"results/pretrain/{method}/seed1/train.csv", together / f"pretrained/{method}/seed1/train.csv")
    same_curve(*paths, 1e-4 if method == "epoch_prototypes" else 1e-5)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("split", ["train", "dev"])
def test_and_the_curves_of_one_in_fine_tuning(alone: Path, together: Path, method: str, split: str) -> None:
    same_curve(*(folder / f"results/curves/{split}/{method}/seed1/curve.csv" for folder in (alone, together)))


def same_curve(one: Path, two: Path, tolerance: float = 1e-5) -> None:
    expected, found = pd.read_csv(one), pd.read_csv(two)
    assert list(found.columns) == list(expected.columns) and len(expected) > 1
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


def few_rows() -> None:
    """The gradients of one row, by its vector and by its hidden words."""
    params = load()
    encoder = Encoder(Path("data/backbone"), "mean", params.compute)
    texts = TokenTable.open(Path("data/tokens"), "sst", "train").single(np.array([5]), 0)
    states, _ = encoder.own_states(texts)
    (encoder(texts).square().sum() + distributed.total(states.square().sum())).backward()
    gradients = {name: p.grad for name, p in encoder.named_parameters() if p.grad is not None}
    distributed.average(list(gradients.values()))
    if distributed.is_main():
        save_file(gradients, "few.gradients")


@pytest.mark.parametrize("method", ["prototypical", "mlm"])
def test_prototypes_are_those_of_the_whole_batch_and_so_are_the_gradients(
    alone: Path, together: Path, method: str
) -> None:
    one = same_gradients(method, alone, together)
    assert max(gradient.abs().max() for gradient in one.values()) > 0.01  # else they would agree anyway


def test_a_process_without_a_sequence_takes_part_with_nothing(alone: Path, together: Path) -> None:
    """One row for two processes: one of them has nothing to encode."""
    same_gradients("few", alone, together)


def same_gradients(name: str, alone: Path, together: Path) -> dict[str, torch.Tensor]:
    """Those of one process, once those of two are seen to be the same."""
    one, two = (load_file(folder / f"{name}.gradients") for folder in (alone, together))
    assert one.keys() == two.keys() and len(one) > 20
    for parameter, gradient in one.items():
        torch.testing.assert_close(two[parameter], gradient, rtol=1e-5, atol=1e-5, msg=parameter)
    return one


def test_torchrun_with_another_number_than_params_yaml_has_is_refused(
    prepared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """torchrun tells its processes how many they are; that they then share the work is seen where one is killed."""
    patch_params(prepared, {"compute": {"processes": 3}})
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(SystemExit, match=r"^params\.yaml: compute.processes: 3: but 2 processes were started$"):
        run_method("cosine", "finetune")


def test_a_second_trainer_is_refused_in_one_line_of_its_own(together: Path) -> None:
    said = (together / "said").read_text()
    assert f"finetune {REFUSED} seed 1: another process is training it" in said and "Traceback" not in said
