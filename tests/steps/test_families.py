"""Every family of encoders that the documentation names: its sequences, every objective, and the way out and back."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch

import protomtl
from protomtl.core.files import read_json
from protomtl.inference.network import flat
from protomtl.model.sequences import Sequences, TokenTable
from protomtl.pretraining.train import OBJECTIVES
from protomtl.tokenizer import open_tokenizer, token_numbers
from protomtl.training.settings import Smoothness
from tests.support.families import FAMILIES, make_encoder
from tests.support.makers import WORDS, patch_params
from tests.support.steps import run_method, run_steps

LENGTH = (
    12  # short: many pairs are cut, some of two texts as long; an odd number of tokens is left for a pair of BERT's
)
SMOOTH = {kind: {"smoothness": {"kind": kind, "weight": 1.0, "radius": 1e-2}} for kind in ("r3f", "r4f", "smart")}
METHODS: dict[str, dict[str, Any]] = {
    "of_prototypes": {
        "pretrain": {"objective": "prototypical", "task_token": True},
        "finetune": {"pair_encoding": "concat", **SMOOTH["smart"], "layer_decay": 0.9, "averaging": 0.9},
    },
    "of_softmax": {"pretrain": {"objective": "softmax"}, "finetune": {"pair_encoding": "joint", **SMOOTH["r4f"]}},
    "of_tasks": {"pretrain": {"objective": "tasks"}, "finetune": {"gradients": "pcgrad", "label_smoothing": 0.1}},
    "of_muppet": {"pretrain": {"objective": "muppet", **SMOOTH["r3f"]}, "finetune": {"frozen": True}},
    "of_words": {
        "pretrain": {"objective": "mlm"},
        "finetune": {"pair_encoding": "both_ways", "prototypes": {"weight": 0.1}},
    },
}


@pytest.fixture(scope="module", params=FAMILIES)
def project(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, prepared_once: Path
) -> Iterator[Path]:
    """The current folder, with the data and the tiny encoder of a family."""
    folder = tmp_path_factory.mktemp(request.param)
    shutil.copytree(prepared_once, folder, dirs_exist_ok=True)  # what does not depend on the encoder stays
    encoder = make_encoder(request.param, folder / "encoder")
    blocks = {name: {"label": name, "source": "test", **block} for name, block in METHODS.items()}
    patch_params(folder, {"tokens": {"max_length": LENGTH}, "methods": [*METHODS], "method": blocks})
    short = {"epochs": 1, "steps_per_epoch": 1, "batch_size": 8}
    chosen = {"method": "of_words", "seed": 1}
    patch_params(folder, {"backbone": {"folder": str(encoder)}, "pretrain": short, "finetune": short})
    patch_params(folder, {"embed": chosen, "export": chosen})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run_steps("backbone", "tokens", "perturb")
        yield folder


def test_no_objective_and_no_regulariser_is_left_out() -> None:
    assert {method["pretrain"]["objective"] for method in METHODS.values()} == {*OBJECTIVES}
    assert {*SMOOTH} == {*get_args(Smoothness.model_fields["kind"].annotation)}


def listed(sequences: Sequences, numbers: np.ndarray) -> list[list[int]]:
    return [part.tolist() for part in np.split(numbers, np.cumsum(sequences.lengths)[:-1])]


def test_sequences_are_the_tokenizers_own(project: Path) -> None:
    """Of any length: the longer text of a pair is cut first, and an odd token is left where the tokenizer leaves it."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained("data/backbone")
    backend, special = open_tokenizer(Path("data/backbone"), LENGTH)
    random = np.random.default_rng(3)
    sides = [[" ".join(random.choice(WORDS, n)) for n in random.integers(0, 12, 200)] for _ in range(2)]
    flats = [flat(token_numbers(backend, side)) for side in sides]
    table = TokenTable("para", flats, special, np.zeros(200, np.float32))
    cut = {"truncation": "longest_first", "max_length": LENGTH}
    for ours, given in (
        (table.single(np.arange(200), 0), sides[:1]),
        (table.pair(np.arange(200)), sides),
        (table.pair(np.arange(200), turned=True), sides[::-1]),
    ):
        theirs = tokenizer(*given, **cut)
        assert listed(ours, ours.tokens) == theirs["input_ids"]
        assert max(ours.lengths) == LENGTH
        if "token_type_ids" in theirs:
            assert listed(ours, ours.types) == theirs["token_type_ids"]


def test_every_objective_runs_and_an_export_gives_the_same_vectors(project: Path) -> None:
    from transformers import AutoModel, AutoTokenizer

    for method in METHODS:
        run_method(method, "pretrain", "finetune", "evaluate")
        figures = read_json(Path(f"results/evaluate/{method}/seed1/metrics.json"))["dev"]
        assert all(np.isfinite(figures[name]) for name in ("sst", "para", "sts", "overall"))
    run_method("of_words", "stress")  # it encodes as `evaluate` does, other texts
    run_steps("export")
    texts = ["the cat runs", "a dull plot, and a man", "!"]
    tokenizer = AutoTokenizer.from_pretrained("results/export")
    batch = tokenizer(texts, padding=True, truncation=True, max_length=LENGTH, return_tensors="pt")
    batch.pop("token_type_ids", None)  # of single texts they are 0, and some families take none
    with torch.no_grad():
        hidden = AutoModel.from_pretrained("results/export").eval()(**batch).last_hidden_state
    mask = batch["attention_mask"][..., None]
    ours = protomtl.load("results/export")
    np.testing.assert_allclose(ours.encode(texts), (hidden * mask).sum(1) / mask.sum(1), atol=1e-5)
    assert ours.predict_proba("para", [("the cat", "a dog")]).shape == (1, 2)


def test_sequences_longer_than_the_positions_are_refused_before_any_work(project: Path) -> None:
    with pytest.raises(SystemExit, match=r"tokens.max_length: 65 is more than the 64 positions of the encoder"):
        open_tokenizer(Path("data/backbone"), 65)
    open_tokenizer(Path("data/backbone"), 64)
