"""The folder that holds a trained model: encoder, heads, and the record of how it was made."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from protomtl.core.errors import first_line
from protomtl.core.files import read_record, write_json
from protomtl.core.paths import BACKBONE
from protomtl.model.device import device_of, precision_of
from protomtl.model.encoder import Encoder
from protomtl.model.libraries import versions
from protomtl.model.multitask import MultiTaskModel
from protomtl.model.pretrained import quiet
from protomtl.model.settings import Compute, Heads
from protomtl.tasks.settings import Task, tasks_of


def save_encoder(encoder: Encoder, folder: Path) -> None:
    """Write the encoder as a Hugging Face folder: config.json, model.safetensors and the tokenizer's files."""
    with quiet():
        encoder.network.save_pretrained(folder)
    for weights in folder.glob("*.safetensors"):  # safetensors lets only their owner read them
        shutil.copymode(folder / "config.json", weights)
    for file in BACKBONE.iterdir():
        own = file.suffix in (".json", ".txt", ".model") and not file.name.endswith(".index.json")  # of several weights
        if own and file.is_file() and not (folder / file.name).exists():
            shutil.copyfile(file, folder / file.name)


def save_heads(heads: nn.ModuleDict, path: Path) -> None:
    """Write the heads' parameters; layers that two heads share are written once."""
    parameters = {name: p.detach().cpu().contiguous() for name, p in heads.named_parameters()}
    path.write_bytes(save(parameters))  # not by save_file, which makes files that only their owner can read


def load_heads(heads: nn.ModuleDict, path: Path) -> None:
    """Read what `save_heads` wrote. SystemExit for a damaged file, and for heads of other names or shapes."""
    try:
        tensors: dict[str, Tensor] = load_file(path)
    except (OSError, SafetensorError) as error:
        raise SystemExit(f"{path}: cannot be read as safetensors: {first_line(error)}") from None
    wanted = {name: parameter.shape for name, parameter in heads.named_parameters()}
    if {name: tensor.shape for name, tensor in tensors.items()} != wanted:
        raise SystemExit(f"{path}: these heads are not the ones that the configuration beside it describes")
    heads.load_state_dict(tensors, strict=False)


def resolved(compute: Compute) -> dict[str, str]:
    """What `auto` is on this machine."""
    device = device_of(compute)
    return {"precision": precision_of(compute, device), "device": device.type}


def save_record(folder: Path, settings: dict[str, Any], compute: Compute) -> None:
    """config.json: all that a result depends on, and what `auto` became; versions.json: the libraries that made it."""
    write_json(folder / "config.json", settings | {"compute": compute.model_dump(), "resolved": resolved(compute)})
    write_json(folder / "versions.json", versions())


def trained_model(folder: Path, encoder: Path, record: dict[str, Any]) -> tuple[MultiTaskModel, dict[str, Task]]:
    """The model whose heads lie in `folder`, as its record (config.json of fine-tuning) says, and its tasks."""
    tasks = tasks_of(record)
    compute, settings = Compute.model_validate(record["compute"]), Heads.model_validate(record["finetune"])
    model = MultiTaskModel(Encoder(encoder, record["backbone"]["pooling"], compute), tasks, settings, record["seed"])
    load_heads(model.heads, folder / "heads.safetensors")
    return model, tasks


def starting_encoder(pretrained: Path) -> Path:
    """The folder of the encoder that fine-tuning starts from: pre-trained, or the backbone as it is."""
    return Path(read_record(pretrained / "start.json")["encoder"])


def trained_distance(pretrained: Path) -> str:
    """The distance by which prototypes read the encoder of a first phase, or of none."""
    record = pretrained / "config.json"
    return distance_of(read_record(record)["pretrain"] if record.exists() else {})


def distance_of(settings: Mapping[str, Any]) -> str:
    """The distance that a first phase of these settings trained, else the squared one, of which a readout with prior
    and scale is a linear layer."""
    return str(settings["distance"]) if settings.get("objective") == "prototypical" else "squared_euclidean"
