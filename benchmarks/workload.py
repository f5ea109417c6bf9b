"""What all contenders are given: sentence pairs of the default data, the default backbone, the same batches."""

import os
import platform
import re
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import torch
from torch import Tensor, nn
from torch.nn import functional

from protomtl import params
from protomtl.core import runner
from protomtl.core.files import read_json
from protomtl.core.paths import BACKBONE, PREPARED, TOKENS
from protomtl.model.sequences import TokenTable
from protomtl.training import sampling
from protomtl.training.settings import Training

BATCH, SEED, LENGTH = 64, 1, 5  # pairs of a step; of the sampling; the largest similarity
WARM = {"cpu": 5, "cuda": 20}  # steps that are not timed: a process is slow at first, whoever's it is
SENTENCES = {"cpu": 6000, "cuda": 24000}  # of the encoding


def prepare() -> None:
    """Fetch and tokenise the data in the current folder, which holds params.yaml."""
    for step in ("download", "backbone", "prepare", "tokens"):
        runner.run(step)


def settings(number: int, batch: int = BATCH) -> Training:
    """transformers' default training arguments, as settings of the loop here."""
    base = params.load().pretrain
    same = {"lr": 5e-5, "schedule": "linear", "warmup": 0.0, "weight_decay": 0.0, "clip_norm": 1.0}
    return base.model_copy(
        update={"epochs": 1, "steps_per_epoch": number, "batch_size": batch, "save_every": number, **same}
    )


def rows(task: str, size: int, steps: int, step: int, batch: int = BATCH) -> np.ndarray:
    """[batch] the rows of a step, as the loop here draws them."""
    return sampling.rows(task, size, settings(steps, batch), SEED, 0, step, steps)


def all_rows(steps: int, batch: int) -> np.ndarray:
    """[steps · batch] the pairs of all steps, in order."""
    size = len(TokenTable.open(TOKENS, "sts", "train"))
    return np.concatenate([rows("sts", size, steps, step, batch) for step in range(steps)])


def pairs(number: int, batch: int) -> list[dict[str, Any]]:
    """a, b and label in [0, 1] of the rows of each step, in order."""
    table = pq.read_table(PREPARED / "sts" / "train.parquet").take(all_rows(number, batch)).to_pylist()
    return [{"a": row["text_a"], "b": row["text_b"], "label": row["label"] / LENGTH} for row in table]


def sentences(number: int) -> list[str]:
    """So many movie snippets, in the order of the data, and again from its beginning if these are too few."""
    texts: list[str] = pq.read_table(PREPARED / "sst" / "train.parquet").column("text_a").to_pylist()
    return (texts * -(-number // len(texts)))[:number]


def loss(a: Tensor, b: Tensor, labels: Tensor) -> Tensor:
    """Mean squared error of the cosine: what sentence-transformers' CosineSimilarityLoss is."""
    return functional.mse_loss(torch.cosine_similarity(a, b), labels)


def without_dropout(model: nn.Module) -> None:
    """For the check that all compute the same."""
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
        if hasattr(module, "config"):
            module.config.hidden_dropout_prob = module.config.attention_probs_dropout_prob = 0.0


def token_lengths(number: int, batch: int) -> np.ndarray:
    """Tokens of each of the 2 · number · batch sequences, special tokens included."""
    table = TokenTable.open(TOKENS, "sts", "train")
    return np.concatenate([part.lengths for part in table.sequences_of(all_rows(number, batch), False)])


def flops(lengths: np.ndarray) -> float:
    """Floating-point operations of one forward pass of the backbone over sequences of these lengths."""
    return operations(config_of_backbone(), lengths)


def operations(shape: dict[str, Any], lengths: np.ndarray) -> float:
    """Floating-point operations of one forward pass over sequences of these lengths, padding not counted:
    two for each weight of the layers and token, and the two products of attention. shape: as of sections.json."""
    width, inner, layers = shape["hidden_size"], shape["intermediate_size"], shape["num_hidden_layers"]
    weights = layers * (4 * width * width + 2 * width * inner)
    return float((2 * weights * lengths + 4 * layers * width * lengths.astype(float) ** 2).sum())


def config_of_backbone() -> dict[str, Any]:
    shape: dict[str, Any] = read_json(BACKBONE / "config.json")
    return shape


def peak(precision: str, threads: int, device: str = "cpu") -> float:
    """Floating-point operations a second of a matrix product of 1024³, on a GPU of 8192³: the best of a hundred, or of
    those that five seconds hold where a precision is emulated."""
    torch.set_num_threads(threads)
    size = 1024 if device == "cpu" else 8192
    x = torch.randn(size, size, dtype=torch.bfloat16 if precision == "bf16" else torch.float32, device=device)
    seconds = [timed(lambda: x @ x)]
    while len(seconds) < 100 and sum(seconds) < 5:
        seconds.append(timed(lambda: x @ x))
    return 2 * size**3 / min(seconds)


def now() -> float:
    """Seconds on the clock, when a GPU has done all that it was given."""
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()
    return time.perf_counter()


def timed(function: Callable[[], Any]) -> float:
    begin = now()
    function()
    return now() - begin


def memory() -> float:
    """Gigabytes that this process held at most; on a GPU those of tensors there."""
    if torch.cuda.is_initialized():
        return torch.cuda.max_memory_allocated() / 1e9
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def hardware(device: str) -> str:
    """The name of the card, or of the processor with what it multiplies bf16 by."""
    if device == "cuda":
        return torch.cuda.get_device_name()
    cpuinfo = Path("/proc/cpuinfo")
    said = cpuinfo.read_text() if cpuinfo.exists() else ""
    name = re.search(r"model name\s*:\s*(.+)", said)
    units = [unit for unit in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if re.search(rf"\b{unit}\b", said)]
    what = [*units, *(f"held to {one}" for one in held())]
    return f"{name[1] if name else platform.processor() or platform.machine()} ({', '.join(what) or 'no bf16'})"


def held() -> list[str]:
    """The instructions that torch is kept to, if it is."""
    return [os.environ["ATEN_CPU_CAPABILITY"]] if "ATEN_CPU_CAPABILITY" in os.environ else []


def folder(name: str) -> Path:
    """A place for what a trainer writes."""
    path = Path("written") / name
    path.mkdir(parents=True, exist_ok=True)
    return path
