"""One contender in one process: `python -m benchmarks.contenders KIND NAME THREADS STEPS` prints its figures as JSON.

KIND is training, encoding, passes or frozen. NAME ends in its variant: `-default`, `-best` (all that makes it
faster), `-fp32`, or `-check`: fp32, no dropout, the batches in their order, so that the losses of all must agree.
"""

import json
import os
import sys
import time
from itertools import chain
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks import workload
from protomtl.core import sections
from protomtl.core.paths import BACKBONE, TOKENS
from protomtl.model.encoder import Encoder, embed_batch, evaluating, settle
from protomtl.model.multitask import MultiTaskModel
from protomtl.model.sequences import Sequences, TokenTable
from protomtl.model.settings import Compute
from protomtl.params import load
from protomtl.steps.finetune import step as finetune
from protomtl.training import loop
from protomtl.training.weighting import fixed

Figures = tuple[list[float], list[float]]  # the beginning of each step; the losses
Variant = str
EPOCHS = 20  # of the frozen baseline, as in the paper


def settled(threads: int, precision: Literal["auto", "fp32"] = "auto") -> Encoder:
    """This project's encoder, in a process that is settled as a step's is."""
    compute = Compute(device="cpu", precision=precision, threads=threads, processes=1)
    settle(compute)
    return Encoder(BACKBONE, "mean", compute)


def protomtl(threads: int, steps: int, variant: Variant) -> Figures:
    """This project's loop."""
    precision = "fp32" if variant in ("check", "fp32") else "auto"
    encoder = settled(threads, precision)
    if variant == "check":
        workload.without_dropout(encoder)
    table, marks = TokenTable.open(TOKENS, "sts", "train"), []

    def losses(rows: dict[str, Any]) -> dict[str, Tensor]:
        marks.append(time.perf_counter())
        a, b = embed_batch(encoder, {"sts": table.sequences_of(rows["sts"], False)})["sts"]
        return {"sts": workload.loss(a, b, torch.from_numpy(table.labels[rows["sts"]]) / workload.LENGTH)}

    model = nn.ModuleDict({"encoder": encoder})
    folder = workload.folder(f"protomtl-{os.getpid()}")
    chosen = workload.settings(steps)
    result = loop.train(
        "benchmark", loop.Objective(model, losses, fixed({})), {"sts": len(table)}, chosen, workload.SEED, folder
    )
    return marks, [point["loss"] for point in result.curves.train]


class Cosine(nn.Module):
    """What a user of transformers' Trainer writes for pairs: both texts through the encoder, mean, cosine, loss."""

    def __init__(self, attention: str) -> None:
        from transformers import AutoModel

        super().__init__()
        self.bert = AutoModel.from_pretrained(BACKBONE, attn_implementation=attention)
        self.losses: list[Tensor] = []

    def forward(self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor) -> dict[str, Tensor]:
        hidden = self.bert(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state.float()
        weights = attention_mask[..., None].float()
        vectors = (hidden * weights).sum(1) / weights.sum(1)
        value = workload.loss(vectors[0::2], vectors[1::2], labels)
        self.losses.append(value.detach())
        return {"loss": value}


def arguments(steps: int, variant: Variant) -> dict[str, Any]:
    """Training arguments: transformers' defaults but for the batch, and for `best` all that makes it faster."""
    fixed = {
        "output_dir": str(workload.folder("peers")),
        "per_device_train_batch_size": workload.BATCH,
        "max_steps": steps,
        "report_to": "none",
        "save_strategy": "no",
        "logging_strategy": "no",
        "disable_tqdm": True,
        "use_cpu": True,
    }
    return {**fixed, "bf16": variant == "best"}


def clock() -> Any:
    """(callback, list that it fills with the beginning of each step)."""
    from transformers import TrainerCallback

    marks: list[float] = []

    class Clock(TrainerCallback):
        def on_step_begin(self, *args: Any, **kwargs: Any) -> None:
            marks.append(time.perf_counter())

    return Clock(), marks


def trainer(threads: int, steps: int, variant: Variant) -> Figures:
    """transformers' Trainer; padding is dynamic in every variant, as its documentation advises."""
    from transformers import AutoTokenizer, Trainer, TrainingArguments

    torch.set_num_threads(threads)
    tokenizer = AutoTokenizer.from_pretrained(BACKBONE)
    model = Cosine("eager" if variant == "best" else "sdpa")
    if variant == "check":
        workload.without_dropout(model)
    data = [
        {"input_ids": a, "other": b, "length": max(len(a), len(b)), "label": row["label"]}
        for row in workload.pairs(steps)
        for a, b in [tokenizer([row["a"], row["b"]])["input_ids"]]
    ]

    def collate(batch: list[dict[str, Any]]) -> dict[str, Tensor]:
        padded = tokenizer.pad(
            {"input_ids": [ids for row in batch for ids in (row["input_ids"], row["other"])]}, return_tensors="pt"
        )
        labels = torch.tensor([row["label"] for row in batch])
        return {"input_ids": padded["input_ids"], "attention_mask": padded["attention_mask"], "labels": labels}

    strategy = {"best": "group_by_length", "check": "sequential", "default": "random"}[variant]
    more = {"train_sampling_strategy": strategy, "length_column_name": "length", "remove_unused_columns": False}
    callback, marks = clock()
    options = TrainingArguments(**arguments(steps, variant), **more)
    Trainer(model, options, train_dataset=data, data_collator=collate, callbacks=[callback]).train()
    return marks, [float(value) for value in model.losses]


def sentence_transformers(threads: int, steps: int, variant: Variant) -> Figures:
    """sentence-transformers' trainer; it has no length grouping, so `best` is given its data grouped."""
    from datasets import Dataset
    from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer, losses
    from sentence_transformers import SentenceTransformerTrainingArguments as Arguments
    from torch.utils.data import BatchSampler, SequentialSampler
    from transformers.trainer_pt_utils import get_length_grouped_indices

    torch.set_num_threads(threads)
    model = SentenceTransformer(
        str(BACKBONE), device="cpu", model_kwargs={"attn_implementation": "eager" if variant == "best" else "sdpa"}
    )
    if variant == "check":
        workload.without_dropout(model)
    data, found = workload.pairs(steps), []
    if variant == "best":
        lengths = [max(len(row["a"]), len(row["b"])) for row in data]
        data = [data[i] for i in get_length_grouped_indices(lengths, workload.BATCH)]

    class Recorded(losses.CosineSimilarityLoss):  # type: ignore[misc]
        def forward(self, *args: Any, **kwargs: Any) -> Tensor:
            value: Tensor = super().forward(*args, **kwargs)
            found.append(float(value.detach()))
            return value

    def in_order(dataset: Any, batch_size: int, drop_last: bool, **_: Any) -> BatchSampler:
        return BatchSampler(SequentialSampler(dataset), batch_size, drop_last)

    more = {} if variant == "default" else {"batch_sampler": in_order}
    callback, marks = clock()
    options = Arguments(**arguments(steps, variant), **more)
    columns = Dataset.from_list(data)
    SentenceTransformerTrainer(
        model, options, train_dataset=columns, loss=Recorded(model), callbacks=[callback]
    ).train()
    return marks, found


def encode_protomtl(threads: int, variant: Variant) -> float:
    """Seconds to turn texts into vectors, tokenising included."""
    from transformers import AutoTokenizer

    backend = AutoTokenizer.from_pretrained(BACKBONE).backend_tokenizer
    backend.no_padding()
    backend.enable_truncation(128)
    encoder = settled(threads)

    def encode(texts: list[str]) -> None:
        ids = [encoding.ids for encoding in backend.encode_batch_fast(texts)]
        lengths = np.fromiter(map(len, ids), int, len(ids))
        tokens = np.fromiter(chain.from_iterable(ids), np.int64, lengths.sum())
        with evaluating(encoder):
            encoder(Sequences(tokens, np.zeros_like(tokens), lengths, 0))

    texts = workload.sentences()
    encode(texts[:500])
    return workload.timed(lambda: encode(texts))


def encode_sentence_transformers(threads: int, variant: Variant) -> float:
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(threads)
    fast = {"attn_implementation": "eager", "dtype": "bfloat16"} if variant == "best" else {}
    model = SentenceTransformer(str(BACKBONE), device="cpu", model_kwargs=fast)
    model.max_seq_length = 128
    texts = workload.sentences()
    model.encode(texts[:500])
    return workload.timed(lambda: model.encode(texts))


def passes(threads: int, steps: int) -> dict[str, float]:
    """Forward and backward pass of the encoder alone, in a whole step of the pipeline: 64 examples of each task."""
    encoder = settled(threads).train()
    optimizer = torch.optim.AdamW(encoder.parameters(), lr=1e-5, fused=True)
    tables = {name: TokenTable.open(TOKENS, name, "train") for name in load().tasks}
    seconds, lengths = [], []
    for step in range(steps):
        groups = {
            name: table.sequences_of(workload.rows(name, len(table), steps, step), concat=True)
            for name, table in tables.items()
        }
        begin = time.perf_counter()
        vectors = embed_batch(encoder, groups)
        torch.stack([part.square().mean() for parts in vectors.values() for part in parts]).sum().backward()
        seconds.append(time.perf_counter() - begin)
        optimizer.step()
        optimizer.zero_grad()
        del vectors
        lengths.append(np.concatenate([part.lengths for parts in groups.values() for part in parts]))
    timed = slice(workload.WARM, None)
    return {
        "seconds": float(np.mean(seconds[timed])),
        "sequences": float(np.mean([len(some) for some in lengths[timed]])),
        "gflop": 3 * float(np.mean([workload.flops(some) for some in lengths[timed]])) / 1e9,
    }


def frozen(threads: int, steps: int) -> dict[str, float]:
    """20 epochs of the frozen baseline, and how much longer 20 epochs through the encoder would take.

    The latter are extrapolated from one epoch of `steps` and one of 8 steps, each with its validation; the first
    run of the process, which is slower, does not count.
    """

    def seconds(name: str, epochs: int, per_epoch: int) -> tuple[float, int]:
        params = load()
        chosen = sections.settings_of_method("finetune", params.finetune, name, params.method[name].finetune)
        chosen = chosen.model_copy(update={"epochs": epochs, "steps_per_epoch": per_epoch, "save_every": 10**6})
        encoder = settled(threads)
        model = MultiTaskModel(encoder, params.tasks, chosen, 1)
        folder = workload.folder(f"{name}-{per_epoch}-{os.getpid()}")
        begin = time.perf_counter()
        done = finetune.fit(name, model, params.tasks, chosen, 1, folder).steps
        return time.perf_counter() - begin, done

    seconds("unfrozen", 1, 4)
    some, more = seconds("unfrozen", 1, 8)[0], seconds("unfrozen", 1, steps)[0]
    step = (more - some) / (steps - 8)
    whole, done = seconds("baseline", EPOCHS, 0)
    through = done * step + EPOCHS * (some - 8 * step)
    return {"seconds": whole, "sequences": done, "times": through / whole}


def training_run(name: str, threads: int, steps: int) -> dict[str, Any]:
    contender, _, variant = name.partition("-")
    marks, losses = globals()[contender](threads, steps, variant)
    seconds = (marks[-1] - marks[workload.WARM]) / (steps - 1 - workload.WARM)
    work = 3 * workload.flops(workload.token_lengths(steps)) / steps / 1e9
    return {"seconds": seconds, "sequences": 2 * workload.BATCH, "gflop": work, "losses": losses}


def encoding_run(name: str, threads: int) -> dict[str, Any]:
    contender, _, variant = name.partition("-")
    seconds = globals()[f"encode_{contender}"](threads, variant)
    return {"seconds": seconds, "sequences": workload.SENTENCES}


def main(kind: str, name: str, threads: int, steps: int) -> None:
    if kind == "training":
        figures = training_run(name, threads, steps)
    elif kind == "encoding":
        figures = encoding_run(name, threads)
    else:
        figures = {"passes": passes, "frozen": frozen}[kind](threads, steps)
    print(json.dumps({**figures, "gigabytes": workload.memory()}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
