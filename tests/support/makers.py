"""A tiny random backbone and a few rows of text: enough to run everything, nothing to download."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from ruamel.yaml import YAML

from tests.support import ROOT
from tests.support.commands import call
from tests.support.params import written

WORDS = [
    *["the", "a", "film", "is", "good", "bad", "very", "not", "dull", "great", "story"],
    *["plot", "cat", "dog", "runs", "sits", "man", "plays", "guitar", "piano", "ball"],
]
Patch = dict[str, Any]


def make_backbone(folder: Path) -> Path:
    """A BERT of two layers and 32 dimensions with random weights, as a Hugging Face folder."""
    import torch
    from tokenizers import BertWordPieceTokenizer
    from transformers import BertConfig, BertModel, BertTokenizer

    folder.mkdir(exist_ok=True)
    letters = [*"abcdefghijklmnopqrstuvwxyz.,?!'", *(f"##{c}" for c in "abcdefghijklmnopqrstuvwxyz")]
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *WORDS[2:]]
    (folder / "vocab.txt").write_text("\n".join(vocabulary))
    wordpiece = BertWordPieceTokenizer(str(folder / "vocab.txt"))
    BertTokenizer(tokenizer_object=wordpiece._tokenizer).save_pretrained(folder)
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    model = BertModel(BertConfig(vocab_size=len(vocabulary), max_position_embeddings=64, **sizes))
    model.save_pretrained(folder)
    return folder


def sentence(random: np.random.Generator, mood: str) -> str:
    return " ".join([*random.choice(WORDS, int(random.integers(2, 8))), mood])


def write_data(folder: Path, rows: int = 48) -> None:
    """Three tasks, three splits, tab-separated, with labels that the texts give away."""
    random = np.random.default_rng(7)
    moods = ["bad bad", "bad", "story", "good", "great great"]
    folder.mkdir(parents=True, exist_ok=True)
    for split, size in (("train", rows), ("dev", rows // 2), ("test", rows // 2)):
        sst, para, sts = ["\tid\tsentence\tsentiment"], [], []
        para.append("\tid\tsentence1\tsentence2\tis_duplicate")
        sts.append("\tid\tsentence1\tsentence2\tsimilarity")
        for i in range(size):
            sst.append(f"{i}\tm{split}{i}\t{sentence(random, moods[i % 5])}\t{i % 5}")
            a = sentence(random, "cat")
            para.append(f"{i}\tp{split}{i}\t{a}\t{a if i % 2 else sentence(random, 'dog')}\t{i % 2:.1f}")
            sts.append(
                f"{i}\ts{split}{i}\t{a}\t{a if i % 3 else sentence(random, 'dog')}\t{5.0 if i % 3 else i % 5 / 2}"
            )
        for name, lines in (("ids-sst", sst), ("quora", para), ("sts", sts)):
            (folder / f"{name}-{split}.csv").write_text("\n".join(lines) + "\n")


def tiny(backbone: Path, **more: Any) -> Patch:
    """A patch of params.yaml: own data, the tiny backbone, a handful of steps."""
    steps = {"epochs": 2, "steps_per_epoch": 2, "batch_size": 16, "save_every": 1}
    patch: Patch = {
        "data": {"source": "folder"},
        "backbone": {"name": "folder", "folder": str(backbone)},
        "tokens": {"max_length": 32},
        "compute": {"device": "cpu", "precision": "fp32"},
        "pretrain": steps,
        "finetune": steps,
        "embed": {"samples": 4, "perplexity": 5},  # UMAP in Python takes the longest of all: 4 points are the fewest
    }
    return {**patch, **more}


def patch_params(project: Path, patch: Patch) -> None:
    """Change values of params.yaml. Its comments go, for to keep them takes ten times as long."""
    content = yaml.load((project / "params.yaml").read_text(encoding="utf-8"), yaml.CSafeLoader)
    lay_over(content, patch)
    written(project, content)


def edit_params(project: Path, patch: Patch) -> None:
    """Change values of params.yaml in place, as a user does in an editor."""
    editor = YAML()
    content = editor.load(project / "params.yaml")
    lay_over(content, patch)
    editor.dump(content, project / "params.yaml")


def lay_over(content: Any, patch: Patch) -> None:
    for section, values in patch.items():
        if isinstance(values, dict):
            content[section].update(values)
        else:
            content[section] = values


def make_workdir(folder: Path, backbone: Path) -> Path:
    """A folder with params.yaml, presets and data/own in which steps can be called as functions."""
    shutil.copy(ROOT / "params.yaml", folder)
    shutil.copytree(ROOT / "presets", folder / "presets")
    write_data(folder / "data/own")
    patch_params(folder, tiny(backbone))
    return folder


def unsealed(source: Path, target: Path) -> Path:
    """A copy of an export whose record has no digests of its files, as those of before."""
    folder = Path(shutil.copytree(source, target))
    record = json.loads((folder / "protomtl.json").read_text())
    del record["files"]
    (folder / "protomtl.json").write_text(json.dumps(record))
    return folder


def clone(target: Path, patch: Patch) -> Path:
    """A clone of the project as it is in the working tree, with data and an encoder of its own, committed.

    The encoder is copied into it: DVC notes a folder outside by the way that leads there, which a copy has not.
    """
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    files = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, files.split("\0")):
        if (ROOT / name).is_file() and not (ROOT / name).is_symlink():  # a link is an environment elsewhere, say
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)
    (target / "dvc.lock").unlink(missing_ok=True)
    write_data(target / "data/own")
    if own := patch.get("backbone", {}).get("folder"):
        shutil.copytree(own, target / "data/encoder", dirs_exist_ok=True)
        patch = {**patch, "backbone": {**patch["backbone"], "folder": "data/encoder"}}
    edit_params(target, patch)
    call(target, "git", "init", "-q", "-b", "main")
    call(target, "git", "add", "-A")
    call(target, "git", "commit", "-qm", "clone")
    return target


def padded(encoder: Any) -> Any:
    """The engine that any encoder can have in the place of its own: transformers' model on the same parameters."""
    from transformers import BertConfig, BertModel

    from protomtl.model.padded import PaddedEngine

    network = encoder.network
    if not isinstance(network, BertModel):
        theirs = BertModel(BertConfig(**vars(network.config)), add_pooling_layer=network.pooler is not None)
        theirs.set_attn_implementation("eager")
        for name, parameter in network.named_parameters():
            owner, _, last = name.rpartition(".")
            setattr(theirs.get_submodule(owner), last, parameter)
        network = theirs.train(network.training)
    return PaddedEngine(network, encoder.pooling, encoder.precision)
