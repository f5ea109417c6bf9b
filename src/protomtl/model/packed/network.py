"""BERT's weights as a plain module of torch, under the names that transformers gives them.

transformers takes seconds and 150 MB to be imported, of each job anew. A folder of the plain form needs none of it;
for any other form `open_bert` gives None, and transformers opens the folder or says what is wrong with it.
"""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

WEIGHTS, CONFIGURATION = "model.safetensors", "config.json"
SIZES = (
    *("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size"),
    *("max_position_embeddings", "type_vocab_size"),
)
SHARES = ("layer_norm_eps", "hidden_dropout_prob", "attention_probs_dropout_prob")
OTHERWISE = ("is_decoder", "add_cross_attention", "auto_map", "quantization_config")  # set: not the plain form
NO_WEIGHTS = "embeddings.position_ids"  # 0, 1, …, which older files hold


class Bert(nn.Module):
    """The parameters of transformers' BertModel, in its order, without its passes (bert.py has them)."""

    def __init__(self, config: SimpleNamespace, pooler: bool) -> None:
        super().__init__()
        width, eps = config.hidden_size, config.layer_norm_eps
        self.config = config
        self.embeddings = nn.Module()
        self.embeddings.word_embeddings = table(config.vocab_size, width)
        self.embeddings.position_embeddings = table(config.max_position_embeddings, width)
        self.embeddings.token_type_embeddings = table(config.type_vocab_size, width)
        self.embeddings.LayerNorm = nn.LayerNorm(width, eps)
        self.encoder = nn.Module()
        layers = range(config.num_hidden_layers)
        self.encoder.layer = nn.ModuleList(layer(width, config.intermediate_size, eps) for _ in layers)
        self.pooler = Pooler(width) if pooler else None

    def get_input_embeddings(self) -> nn.Module:
        return self.get_submodule("embeddings.word_embeddings")

    def save_pretrained(self, folder: Path) -> None:
        """Write the files that transformers opens, as it writes them itself."""
        folder.mkdir(parents=True, exist_ok=True)
        said = {name: value for name, value in vars(self.config).items() if name != "torch_dtype"}
        said |= {"architectures": ["BertModel"], "dtype": "float32"}
        text = json.dumps(said, indent=2, sort_keys=True) + "\n"
        (folder / CONFIGURATION).write_text(text, encoding="utf-8")
        weights = {name: value.detach().cpu().contiguous() for name, value in self.state_dict().items()}
        (folder / WEIGHTS).write_bytes(save(weights, metadata={"format": "pt"}))


def table(number: int, width: int) -> nn.Embedding:
    """An embedding without a draw: on the device `meta` a draw imports torch's compiler, as slow as transformers."""
    return nn.Embedding(number, width, _weight=torch.empty(number, width))


class Pooler(nn.Module):
    """BERT's pooler: a layer and tanh on the first token."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.dense = nn.Linear(width, width)

    def forward(self, states: Tensor) -> Tensor:
        """[n, tokens, width] -> [n, width]."""
        return torch.tanh(self.dense(states[:, 0]))


def layer(width: int, inner: int, eps: float) -> nn.Module:
    """The parameters of one layer."""

    def part(sizes: dict[str, tuple[int, int]], norm: bool) -> nn.Module:
        made = nn.Module()
        for name, size in sizes.items():
            made.add_module(name, nn.Linear(*size))
        if norm:
            made.add_module("LayerNorm", nn.LayerNorm(width, eps))
        return made

    whole, attention = nn.Module(), nn.Module()
    attention.add_module("self", part(dict.fromkeys(("query", "key", "value"), (width, width)), norm=False))
    attention.add_module("output", part({"dense": (width, width)}, norm=True))
    whole.add_module("attention", attention)
    whole.add_module("intermediate", part({"dense": (width, inner)}, norm=False))
    whole.add_module("output", part({"dense": (inner, width)}, norm=True))
    return whole


def open_bert(folder: Path) -> Bert | None:
    """The BERT in a folder, float32, without gradients' cost or a random draw; None if it is not of the plain form."""
    try:
        said: Any = json.loads((folder / CONFIGURATION).read_text(encoding="utf-8"))
        if not is_plain(said):
            return None
        tensors = load_file(folder / WEIGHTS)
    except (OSError, ValueError, SafetensorError):
        return None
    tensors.pop(NO_WEIGHTS, None)
    with torch.device("meta"):  # no memory and no random draw for weights that are replaced
        network = Bert(SimpleNamespace(**said), pooler="pooler.dense.weight" in tensors)
    if {name: value.shape for name, value in network.state_dict().items()} != {n: t.shape for n, t in tensors.items()}:
        return None
    own = {name: value.to(torch.float32, copy=True) for name, value in tensors.items()}  # the file may be replaced
    if not all(value.isfinite().all() for value in own.values()):
        return None
    network.load_state_dict(own, assign=True)
    return network.requires_grad_(True).eval()


def is_plain(said: Any) -> bool:
    """Whether a configuration is one that this module and bert.py know in full."""
    return (
        isinstance(said, dict)
        and said.get("model_type") == "bert"
        and said.get("hidden_act") == "gelu"
        and said.get("position_embedding_type", "absolute") == "absolute"
        and not any(said.get(name) for name in OTHERWISE)
        and all(type(said.get(name)) is int and said[name] > 0 for name in SIZES)
        and all(type(said.get(name)) in (int, float) and 0 <= said[name] < 1 for name in SHARES)
        and said["type_vocab_size"] > 1
        and 0 <= (said.get("pad_token_id") or 0) < said["vocab_size"]  # transformers opens no other
        and said["hidden_size"] % said["num_attention_heads"] == 0
    )
