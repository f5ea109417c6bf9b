"""A tiny random backbone and a few rows of text: enough to run everything, nothing to download."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from ruamel.yaml import YAML

from . import engines
from .commands import call

ROOT = Path(__file__).parents[1]
WORDS = [
    *["the", "a", "film", "is", "good", "bad", "very", "not", "dull", "great", "story"],
    *["plot", "cat", "dog", "runs", "sits", "man", "plays", "guitar", "piano", "ball"],
]
Patch = dict[str, Any]

os.environ["NUMBA_DISABLE_JIT"] = "1"  # UMAP of twenty points: a second in Python, ten to compile, in each process

settings.register_profile("shared machine", deadline=None)  # time is no property of the code here
settings.load_profile("shared machine")


@pytest.fixture(scope="session")
def tiny_backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_backbone(tmp_path_factory.mktemp("backbone") / "tiny")


def make_backbone(folder: Path) -> Path:
    """A BERT of two layers and 32 dimensions with random weights, as a Hugging Face folder."""
    import torch
    from tokenizers import BertWordPieceTokenizer
    from transformers import BertConfig, BertModel, BertTokenizer

    folder.mkdir()
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
        "backbone": {"name": str(backbone)},
        "tokens": {"max_length": 32},
        "compute": {"device": "cpu", "precision": "fp32"},
        "pretrain": steps,
        "finetune": steps,
        "embed": {"samples": 20, "perplexity": 5},
    }
    return {**patch, **more}


def patch_params(project: Path, patch: Patch) -> None:
    """Change values of params.yaml in place, as a user does in an editor."""
    yaml = YAML()
    content = yaml.load(project / "params.yaml")
    for section, values in patch.items():
        if isinstance(values, dict):
            content[section].update(values)
        else:
            content[section] = values
    yaml.dump(content, project / "params.yaml")


def make_workdir(folder: Path, backbone: Path) -> Path:
    """A folder with params.yaml, presets and data/own in which steps can be called as functions."""
    shutil.copy(ROOT / "params.yaml", folder)
    shutil.copytree(ROOT / "presets", folder / "presets")
    write_data(folder / "data/own")
    patch_params(folder, tiny(backbone))
    return folder


@pytest.fixture
def workdir(tmp_path: Path, tiny_backbone: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder of the test, see `make_workdir`."""
    monkeypatch.chdir(tmp_path)
    return make_workdir(tmp_path, tiny_backbone)


def clone(target: Path, patch: Patch) -> Path:
    """A clone of the project as it is in the working tree, with data of its own, committed."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    files = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, files.split("\0")):
        if (ROOT / name).exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)
    (target / "dvc.lock").unlink(missing_ok=True)
    write_data(target / "data/own")
    patch_params(target, patch)
    call(target, "git", "init", "-q", "-b", "main")
    call(target, "git", "add", "-A")
    call(target, "git", "commit", "-qm", "clone")
    return target


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, tiny_backbone: Path) -> Path:
    """A clone in which Snakemake has run two methods to the end, committed. Not to be changed: work on a copy."""
    project = clone(tmp_path_factory.mktemp("finished") / "p", tiny(tiny_backbone, methods=engines.METHODS))
    result = engines.run(project, "snakemake")
    (project.parent / "output").write_text(result.output)
    call(project, "git", "add", "dvc.lock")
    call(project, "git", "commit", "-qm", "first run")
    return project


@pytest.fixture
def project(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished clone."""
    return Path(shutil.copytree(finished, tmp_path / "p", symlinks=True))
