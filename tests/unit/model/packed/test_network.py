"""BERT opened without transformers: the same parameters in the same order; other forms are left to transformers."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import BertModel

from protomtl.model.encoder import Encoder
from protomtl.model.packed.network import Bert, open_bert
from protomtl.model.pretrained import open_network
from protomtl.model.settings import Compute

FP32 = Compute(device="cpu", precision="fp32", threads=1, processes=1)
# What a job of training does, as a program of its own.
TRAINING = """
import sys
from pathlib import Path
import torch
import protomtl.steps.evaluate.step, protomtl.steps.finetune.step, protomtl.steps.pretrain
from protomtl.model.encoder import Encoder
from protomtl.model.settings import Compute
from protomtl.training.optimizer import build_optimizer
from protomtl.training.settings import Finetune
from protomtl.params import load
encoder = Encoder(Path(sys.argv[1]), "mean", Compute(device="cpu", precision="fp32", threads=1, processes=1)).train()
optimizer = build_optimizer(encoder, load(Path(sys.argv[2])).finetune)
for parameter in encoder.parameters():
    parameter.grad = torch.ones_like(parameter)
optimizer.step()
optimizer.load_state_dict(optimizer.state_dict())
optimizer.zero_grad()
encoder.network.save_pretrained(Path(sys.argv[3]))
print(*({"transformers", "torch._dynamo", "sympy", "sklearn"} & set(sys.modules)))
"""


@pytest.fixture
def folder(tiny_backbone: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_backbone, tmp_path / "encoder"))


def configure(folder: Path, **values: Any) -> None:
    file = folder / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


def test_the_parameters_are_those_of_transformers_in_their_order(tiny_backbone: Path) -> None:
    ours, theirs = open_bert(tiny_backbone), open_network(tiny_backbone)
    assert ours is not None
    assert [name for name, _ in ours.named_parameters()] == [name for name, _ in theirs.named_parameters()]
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(one, other)
        assert one.requires_grad


def test_opening_draws_no_random_number_and_holds_no_file(folder: Path) -> None:
    before = torch.get_rng_state()
    network = open_bert(folder)
    assert network is not None
    assert torch.equal(before, torch.get_rng_state())
    kept = [parameter.clone() for parameter in network.parameters()]
    (folder / "model.safetensors").write_bytes(bytes((folder / "model.safetensors").stat().st_size))
    assert all(torch.equal(one, other) for one, other in zip(network.parameters(), kept, strict=True))


@pytest.mark.parametrize("pooler", [True, False])
def test_transformers_reads_what_it_writes(folder: Path, tmp_path: Path, pooler: bool) -> None:
    network = open_bert(folder)
    assert network is not None
    if not pooler:
        network.pooler = None
    network.save_pretrained(tmp_path / "saved")
    theirs, info = BertModel.from_pretrained(tmp_path / "saved", output_loading_info=True)
    assert not info["unexpected_keys"]
    assert all(name.startswith("pooler.") for name in info["missing_keys"])
    assert theirs.dtype == torch.float32
    assert all(torch.equal(theirs.get_parameter(name), value) for name, value in network.named_parameters())


def test_half_precision_and_positions_of_older_files_are_read(folder: Path) -> None:
    path = folder / "model.safetensors"
    half = {name: value.half() for name, value in load_file(path).items()}
    save_file(half | {"embeddings.position_ids": torch.arange(64)[None]}, path)
    configure(folder, torch_dtype="float16", dtype=None)
    network = open_bert(folder)
    assert network is not None
    assert all(value.dtype == torch.float32 for value in network.parameters())
    network.save_pretrained(folder)
    said = json.loads((folder / "config.json").read_text())
    assert said["dtype"] == "float32"
    assert "torch_dtype" not in said


OTHER = {
    "another architecture": {"model_type": "roberta"},
    "another activation": {"hidden_act": "relu"},
    "a decoder": {"is_decoder": True},
    "code of its own": {"auto_map": {"AutoModel": "code.Model"}},
    "quantised": {"quantization_config": {"bits": 4}},
    "other positions": {"position_embedding_type": "relative_key"},
    "a size left out": {"intermediate_size": None},
    "a size that is none": {"hidden_size": "32"},
    "heads that do not divide the width": {"num_attention_heads": 5},
    "heads as text": {"num_attention_heads": "2"},
    "dropout that is none": {"hidden_dropout_prob": None},
    "a layer too many": {"num_hidden_layers": 3},
    "another width": {"hidden_size": 64},
}


@pytest.mark.parametrize("values", OTHER.values(), ids=OTHER)
def test_any_other_form_is_left_to_transformers(folder: Path, values: dict[str, Any]) -> None:
    assert isinstance(Encoder(folder, "mean", FP32).network, Bert)
    configure(folder, **values)
    assert open_bert(folder) is None


@pytest.mark.parametrize("damage", [b"", b"version https://git-lfs", bytes(100)])
def test_a_damaged_file_is_left_to_transformers(folder: Path, damage: bytes) -> None:
    for name in ("model.safetensors", "config.json"):
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes(damage)
        assert open_bert(folder) is None
        (folder / name).write_bytes(whole)


def test_a_job_of_training_imports_neither_transformers_nor_torchs_compiler(
    tiny_backbone: Path, workdir: Path, tmp_path: Path
) -> None:
    words = [sys.executable, "-c", TRAINING, str(tiny_backbone), str(workdir / "params.yaml"), str(tmp_path / "saved")]
    told = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert told.strip() == ""
