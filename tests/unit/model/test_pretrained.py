"""Opening an encoder: what does not fit is an error with names, never random weights; no code of a folder runs."""

import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from protomtl.core.files import digest_folder
from protomtl.core.paths import BACKBONE
from protomtl.model.checkpoint import load_heads, save_heads
from protomtl.model.encoder import Encoder
from protomtl.model.pretrained import open_network
from protomtl.model.sequences import Sequences
from protomtl.model.settings import Compute
from protomtl.tokenizer import open_tokenizer

FP32 = Compute(device="cpu", precision="fp32", threads=1, processes=1)
Tensors = dict[str, torch.Tensor]


def prefixed(prefix: str) -> Callable[[Tensors], Tensors]:
    return lambda tensors: {prefix + name: value for name, value in tensors.items()}


def without(part: str) -> Callable[[Tensors], Tensors]:
    return lambda tensors: {name: value for name, value in tensors.items() if part not in name}


def changed(name: str, value: torch.Tensor) -> Callable[[Tensors], Tensors]:
    return lambda tensors: {**tensors, name: value}


@pytest.fixture
def folder(tiny_backbone: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_backbone, tmp_path / "encoder"))


def rewrite(folder: Path, change: Callable[[Tensors], Tensors]) -> None:
    """Change the weights of a folder."""
    path = folder / "model.safetensors"
    save_file({name: value.clone() for name, value in change(load_file(path)).items()}, path, metadata={"format": "pt"})


def configure(file: Path, **values: Any) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def refused(folder: Path, pooling: str = "mean") -> str:
    with pytest.raises(SystemExit) as caught:
        Encoder(folder, pooling, FP32)
    return str(caught.value)


MISFITS = {
    "module": (prefixed("module."), "missing (embeddings.LayerNorm.bias"),
    "encoder": (prefixed("encoder."), "without a place (encoder.embeddings"),
    "sentence-transformers": (prefixed("0.auto_model."), "without a place (0.auto_model.embeddings"),
    "twice": (prefixed("bert.bert."), "missing (embeddings"),
    "a layer": (without("layer.1."), "missing (encoder.layer.1.attention"),
    "one tensor": (without("layer.0.output.dense.bias"), "1 missing (encoder.layer.0.output.dense.bias)"),
    "a layer more": (
        changed("encoder.layer.2.output.dense.bias", torch.zeros(32)),
        "1 without a place (encoder.layer.2.output.dense.bias)",
    ),
    "an adapter": (
        changed("bert.encoder.layer.0.attention.self.query.lora_A.weight", torch.zeros(2, 32)),
        "1 without a place (bert.encoder.layer.0.attention.self.query.lora_A.weight)",
    ),
    "a shape": (
        changed("encoder.layer.0.output.dense.bias", torch.zeros(33)),
        "1 of another shape (encoder.layer.0.output.dense.bias [33] instead of [32])",
    ),
    "nothing": (lambda _: {}, "missing (embeddings.LayerNorm.bias"),
}


@pytest.mark.parametrize("case", MISFITS)
def test_weights_that_do_not_fit_are_refused_with_names(case: str, folder: Path) -> None:
    change, words = MISFITS[case]
    rewrite(folder, change)
    before = torch.get_rng_state()
    said = refused(folder)
    assert f"{folder}: the weights do not fit config.json: " in said and words in said and "\n" not in said
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_weights_that_are_no_numbers_are_refused_with_names(value: float, folder: Path) -> None:
    """A training that diverged writes them, and every later one would be said to diverge."""
    name = "encoder.layer.1.output.dense.bias"
    rewrite(folder, changed(name, torch.full((32,), value)))
    assert f"encoder: 1 tensors hold values that are no finite numbers ({name}); the file is damaged" in refused(folder)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"num_attention_heads": 0}, "modulo by zero"),
        ({"pad_token_id": 9999}, "Padding_idx must be within num_embeddings"),
        ({"hidden_act": "gelu2"}, "KeyError: 'gelu2'"),
    ],
)
def test_a_configuration_of_which_no_network_can_be_made_is_one_line(
    values: dict[str, Any], message: str, folder: Path
) -> None:
    """Also where the packed network alone would run: whoever loads the export by transformers could not."""
    configure(folder / "config.json", **values)
    assert refused(folder).startswith(f"{folder}: transformers cannot load this encoder: ") and message in refused(
        folder
    )


def test_dropout_that_leaves_nothing_is_refused(folder: Path) -> None:
    configure(folder / "config.json", hidden_dropout_prob=1.0)
    assert "config.json: hidden_dropout_prob: 1.0: must be less than 1, or nothing is left" in refused(folder)


def test_words_that_the_encoder_does_not_know_are_refused(folder: Path) -> None:
    """As after `add_tokens` without room for them: a row that has one would end the training with a traceback."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    words = len(tokenizer)
    tokenizer.add_tokens(["zebra"])
    tokenizer.save_pretrained(folder)
    with pytest.raises(
        SystemExit, match=rf"which knows {words} words: 'zebra' has number {words}\. .*resize_token_emb"
    ):
        open_tokenizer(folder, 32)


def test_an_encoder_without_types_takes_pairs(folder: Path) -> None:
    """A tokenizer gives the second text type 1, for which such a BERT has no row: both are of the one type."""
    rewrite(folder, lambda tensors: {n: v[:1] if "token_type" in n else v for n, v in tensors.items()})
    configure(folder / "config.json", type_vocab_size=1)
    encoder = Encoder(folder, "mean", FP32).eval()
    tokens, lengths = np.array([2, 7, 3, 8, 3]), np.array([5])
    with torch.no_grad():
        pair, single = (
            encoder(Sequences(tokens, np.array(types), lengths, 0)) for types in ([0, 0, 0, 1, 1], [0, 0, 0, 0, 0])
        )
    assert torch.equal(pair, single)


@pytest.mark.parametrize(
    "change", [prefixed("bert."), changed("cls.predictions.bias", torch.zeros(3))], ids=["base model", "a head beside"]
)
def test_what_transformers_itself_writes_fits(
    change: Callable[[Tensors], Tensors], folder: Path, tiny_backbone: Path
) -> None:
    rewrite(folder, change)
    ours, plain = (open_network(place).state_dict() for place in (folder, tiny_backbone))
    assert ours.keys() == plain.keys() and all(torch.equal(ours[name], plain[name]) for name in plain)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_weights_of_half_precision_are_read_as_whole_ones(kind: torch.dtype, folder: Path) -> None:
    rewrite(folder, lambda tensors: {name: value.to(kind) for name, value in tensors.items()})
    configure(folder / "config.json", dtype=str(kind).removeprefix("torch."))
    kept = load_file(folder / "model.safetensors")
    for network in (open_network(folder), Encoder(folder, "mean", FP32).network):  # transformers', and the packed one
        own = network.state_dict()
        assert all(own[name].dtype == torch.float32 and torch.equal(own[name], kept[name].float()) for name in kept)


def test_a_missing_pooler_matters_to_the_pooling_that_is_the_pooler(folder: Path, tmp_path: Path) -> None:
    rewrite(folder, without("pooler"))
    first, second = (Encoder(folder, "mean", FP32).network for _ in range(2))
    assert first.pooler is None and not any("pooler" in name for name, _ in first.named_parameters())
    for number, network in enumerate((first, second)):
        network.save_pretrained(tmp_path / str(number))
    assert digest_folder(tmp_path / "0") == digest_folder(tmp_path / "1")  # nothing random in them
    assert "has no pooler; use mean or cls" in refused(folder, "pooler")


@pytest.mark.parametrize(
    "content", [b"version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 9\n", b"", b"\0" * 64]
)
def test_files_that_are_no_weights_are_one_line(content: bytes, folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(content)
    said = refused(folder)
    assert f"{folder}: transformers cannot load this encoder: " in said and "\n" not in said


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.999])
def test_truncated_weights_are_one_line(kept: float, folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    assert "cannot load this encoder" in refused(folder)


def test_only_safetensors_are_read(folder: Path) -> None:
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    assert "cannot load this encoder" in refused(folder)


CODE = """
from pathlib import Path
Path({mark!r}).touch()
from transformers import BertConfig, BertModel, BertTokenizerFast
class OwnConfig(BertConfig): model_type = "own"
class OwnModel(BertModel): config_class = OwnConfig
class OwnTokenizer(BertTokenizerFast): pass
"""


@pytest.mark.parametrize("asked", ["", "y\n"], ids=["no answer", "a piped yes"])
def test_code_of_a_folder_is_not_run(asked: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins.input", lambda *_: asked)
    mark = tmp_path / "executed"
    (folder / "own.py").write_text(CODE.format(mark=str(mark)))
    own = {"AutoConfig": "own.OwnConfig", "AutoModel": "own.OwnModel"}
    configure(folder / "config.json", auto_map=own, model_type="own")
    tokenizer = {"AutoTokenizer": [None, "own.OwnTokenizer"]}
    configure(folder / "tokenizer_config.json", auto_map=tokenizer, tokenizer_class="OwnTokenizer")
    assert "contains custom code which must be executed" in refused(folder)
    with pytest.raises(SystemExit, match="cannot load this tokenizer"):
        open_tokenizer(folder, 32)
    assert not mark.exists()


def test_code_beside_an_architecture_that_is_known_is_not_run_either(folder: Path, tmp_path: Path) -> None:
    mark = tmp_path / "executed"
    (folder / "own.py").write_text(CODE.format(mark=str(mark)))
    configure(folder / "config.json", auto_map={"AutoConfig": "own.OwnConfig", "AutoModel": "own.OwnModel"})
    assert type(open_network(folder)).__module__.startswith("transformers.models.bert.")
    assert not mark.exists()


@pytest.mark.parametrize("name", ["nosuch/folder", "bert-base-uncased"])
def test_a_folder_that_is_not_there_is_not_looked_for_on_the_hub(name: str, tmp_path: Path) -> None:
    assert "cannot load this encoder" in refused(Path(name))


@pytest.mark.parametrize("read", [open_network, partial(open_tokenizer, max_length=16)])
def test_an_encoder_that_is_not_fetched_yet_is_told_with_its_command(
    read: Callable[[Path], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of data/backbone, which step `backbone` makes: transformers says that it cannot reach the hub."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        read(BACKBONE)
    assert str(stop.value) == (
        "data/backbone/config.json: not there: the encoder is not fetched yet; "
        "`snakemake --cores 4 data/backbone` does it"
    )


def test_heads_of_other_names_or_shapes_or_bytes_are_refused(tmp_path: Path) -> None:
    def heads(name: str = "sst", width: int = 4) -> torch.nn.ModuleDict:
        return torch.nn.ModuleDict({name: torch.nn.Linear(width, 5)})

    path = tmp_path / "heads.safetensors"
    save_heads(heads(), path)
    load_heads(heads(), path)
    for other in (heads("sts"), heads(width=5)):
        with pytest.raises(SystemExit, match="these heads are not the ones"):
            load_heads(other, path)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(SystemExit, match="cannot be read as safetensors"):
        load_heads(heads(), path)
