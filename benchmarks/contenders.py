"""One contender in one process, as other benchmarks call it: prints its figures as JSON.

    python -m benchmarks.contenders KIND NAME THREADS STEPS [DEVICE [BATCH]]

KIND is training, encoding, passes or frozen. NAME ends in its variant: `-default`, `-bf16` and `-fp32` (all that makes
it faster, in this precision), `-compiled`, or `-check`: fp32, no dropout, the batches in their order, so that the
losses of all must agree.
"""

import hashlib
import json
import os
import time
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks import options, workload
from protomtl.core import sections
from protomtl.core.paths import BACKBONE, TOKENS
from protomtl.model.device import put
from protomtl.model.encoder import Encoder, embed_batch, evaluating, settle
from protomtl.model.multitask import MultiTaskModel
from protomtl.model.sequences import Sequences, TokenTable
from protomtl.model.settings import Compute
from protomtl.params import load
from protomtl.steps.finetune import step as finetune
from protomtl.training import loop
from protomtl.training.weighting import fixed

Figures = tuple[list[float], list[float]]  # the beginning of each step; the losses
KINDS = ("training", "encoding", "passes", "frozen")
EPOCHS = 20  # of the frozen baseline, as in the paper
LEFT: list[str] = []  # digests of the weights that a training of this project leaves


class Job(NamedTuple):
    """What a contender is to do."""

    threads: int
    steps: int
    variant: str = ""
    device: str = "cpu"
    batch: int = workload.BATCH  # pairs of a step

    @property
    def fast(self) -> bool:
        """Whether all is to be done that makes it faster."""
        return self.variant in ("bf16", "fp32")

    def mark(self, marks: list[float]) -> None:
        """Note the beginning of a step. Only where the timed ones begin and end the clock waits for a GPU."""
        edge = len(marks) in (workload.WARM[self.device], self.steps - 1)
        marks.append(workload.now() if edge else time.perf_counter())


def settled(job: Job) -> Encoder:
    """This project's encoder, in a process that is settled as a step's is."""
    precision = "fp32" if job.variant in ("check", "fp32") else "auto"
    compute = Compute.model_validate(
        {
            "device": job.device,
            "precision": precision,
            "threads": job.threads,
            "processes": 1,
            "compile": job.variant == "compiled",
        }
    )
    settle(compute)
    return Encoder(BACKBONE, "mean", compute)


def protomtl(job: Job) -> Figures:
    """This project's loop."""
    encoder = settled(job)
    if job.variant == "check":
        workload.without_dropout(encoder)
    table, marks = TokenTable.open(TOKENS, "sts", "train"), []

    def losses(rows: dict[str, Any]) -> dict[str, Tensor]:
        job.mark(marks)
        labels = put(torch.from_numpy(table.labels[rows["sts"]]) / workload.LENGTH, encoder.device)
        a, b = embed_batch(encoder, {"sts": table.sequences_of(rows["sts"], False)})["sts"]
        return {"sts": workload.loss(a, b, labels)}

    model = nn.ModuleDict({"encoder": encoder})
    folder = workload.folder(f"protomtl-{os.getpid()}")
    chosen = workload.settings(job.steps, job.batch)
    result = loop.train(
        "benchmark", loop.Objective(model, losses, fixed({})), {"sts": len(table)}, chosen, workload.SEED, folder
    )
    LEFT.append(digest(encoder))
    return marks, [point["loss"] for point in result.curves.train]


def digest(module: nn.Module) -> str:
    """SHA-256 of all its parameters."""
    found = hashlib.sha256()
    for parameter in module.parameters():
        found.update(parameter.detach().cpu().numpy().tobytes())
    return found.hexdigest()


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


def arguments(job: Job) -> dict[str, Any]:
    """Training arguments: transformers' defaults but for the batch, and in a fast variant its precision."""
    fixed = {
        "output_dir": str(workload.folder("peers")),
        "per_device_train_batch_size": job.batch,
        "max_steps": job.steps,
        "report_to": "none",
        "save_strategy": "no",
        "logging_strategy": "no",
        "disable_tqdm": True,
        "use_cpu": job.device == "cpu",
    }
    return {**fixed, "bf16": job.variant == "bf16"}


def attention(job: Job) -> str:
    """The faster one: on a CPU the backward pass of SDPA is slow in bf16."""
    return "eager" if job.variant == "bf16" and job.device == "cpu" else "sdpa"


def clock(job: Job) -> Any:
    """(callback, list that it fills with the beginning of each step)."""
    from transformers import TrainerCallback

    marks: list[float] = []

    class Clock(TrainerCallback):
        def on_step_begin(self, *args: Any, **kwargs: Any) -> None:
            job.mark(marks)

    return Clock(), marks


def trainer(job: Job) -> Figures:
    """transformers' Trainer; padding is dynamic in every variant, as its documentation advises."""
    from transformers import AutoTokenizer, Trainer, TrainingArguments

    torch.set_num_threads(job.threads)
    tokenizer = AutoTokenizer.from_pretrained(BACKBONE)
    model = Cosine(attention(job))
    if job.variant == "check":
        workload.without_dropout(model)
    data = [
        {"input_ids": a, "other": b, "length": max(len(a), len(b)), "label": row["label"]}
        for row in workload.pairs(job.steps, job.batch)
        for a, b in [tokenizer([row["a"], row["b"]])["input_ids"]]
    ]

    def collate(batch: list[dict[str, Any]]) -> dict[str, Tensor]:
        padded = tokenizer.pad(
            {"input_ids": [ids for row in batch for ids in (row["input_ids"], row["other"])]}, return_tensors="pt"
        )
        labels = torch.tensor([row["label"] for row in batch])
        return {"input_ids": padded["input_ids"], "attention_mask": padded["attention_mask"], "labels": labels}

    strategy = "group_by_length" if job.fast else {"check": "sequential", "default": "random"}[job.variant]
    more = {"train_sampling_strategy": strategy, "length_column_name": "length", "remove_unused_columns": False}
    callback, marks = clock(job)
    options = TrainingArguments(**arguments(job), **more)
    Trainer(model, options, train_dataset=data, data_collator=collate, callbacks=[callback]).train()
    return marks, [float(value) for value in model.losses]


def sentence_transformers(job: Job) -> Figures:
    """sentence-transformers' trainer; it has no length grouping, so a fast variant is given its data grouped."""
    from datasets import Dataset
    from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer, losses
    from sentence_transformers import SentenceTransformerTrainingArguments as Arguments
    from torch.utils.data import BatchSampler, SequentialSampler
    from transformers.trainer_pt_utils import get_length_grouped_indices

    torch.set_num_threads(job.threads)
    model = SentenceTransformer(str(BACKBONE), device=job.device, model_kwargs={"attn_implementation": attention(job)})
    if job.variant == "check":
        workload.without_dropout(model)
    data, found = workload.pairs(job.steps, job.batch), []
    if job.fast:
        lengths = [max(len(row["a"]), len(row["b"])) for row in data]
        data = [data[i] for i in get_length_grouped_indices(lengths, job.batch)]

    class Recorded(losses.CosineSimilarityLoss):  # type: ignore[misc]
        def forward(self, *args: Any, **kwargs: Any) -> Tensor:
            value: Tensor = super().forward(*args, **kwargs)
            found.append(value.detach())
            return value

    def in_order(dataset: Any, batch_size: int, drop_last: bool, **_: Any) -> BatchSampler:
        return BatchSampler(SequentialSampler(dataset), batch_size, drop_last)

    more = {} if job.variant == "default" else {"batch_sampler": in_order}
    callback, marks = clock(job)
    options = Arguments(**arguments(job), **more)
    columns = Dataset.from_list(data)
    SentenceTransformerTrainer(
        model, options, train_dataset=columns, loss=Recorded(model), callbacks=[callback]
    ).train()
    return marks, [float(value) for value in found]


def encode_protomtl(job: Job) -> float:
    """Seconds to turn texts into vectors, tokenising included."""
    from transformers import AutoTokenizer

    backend = AutoTokenizer.from_pretrained(BACKBONE).backend_tokenizer
    backend.no_padding()
    backend.enable_truncation(128)
    encoder = settled(job)

    def encode(texts: list[str]) -> None:
        ids = [encoding.ids for encoding in backend.encode_batch_fast(texts)]
        lengths = np.fromiter(map(len, ids), int, len(ids))
        tokens = np.fromiter(chain.from_iterable(ids), np.int64, lengths.sum())
        with evaluating(encoder):
            encoder(Sequences(tokens, np.zeros_like(tokens), lengths, 0)).cpu()

    texts = workload.sentences(workload.SENTENCES[job.device])
    encode(texts[:500])
    return workload.timed(lambda: encode(texts))


def encode_sentence_transformers(job: Job) -> float:
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(job.threads)
    fast = {"attn_implementation": attention(job), "dtype": {"bf16": "bfloat16", "fp32": "float32"}.get(job.variant)}
    model = SentenceTransformer(str(BACKBONE), device=job.device, model_kwargs=fast if job.fast else {})
    model.max_seq_length = 128
    texts, size = workload.sentences(workload.SENTENCES[job.device]), 256 if job.fast and job.device == "cuda" else 32
    model.encode(texts[:500], batch_size=size)
    return workload.timed(lambda: model.encode(texts, batch_size=size))


def passes(job: Job) -> dict[str, float]:
    """Forward and backward pass of the encoder alone, in a whole step of the pipeline: 64 examples of each task."""
    encoder, steps = settled(job).train(), job.steps
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
    timed = slice(workload.WARM[job.device], None)
    return {
        "seconds": float(np.mean(seconds[timed])),
        "sequences": float(np.mean([len(some) for some in lengths[timed]])),
        "gflop": 3 * float(np.mean([workload.flops(some) for some in lengths[timed]])) / 1e9,
    }


def frozen(job: Job) -> dict[str, float]:
    """20 epochs of the frozen baseline, and how much longer 20 epochs through the encoder would take.

    The latter are extrapolated from one epoch of the job's steps and one of 8 steps, each with its validation; the
    first run of the process, which is slower, does not count.
    """

    def seconds(name: str, epochs: int, per_epoch: int) -> tuple[float, int]:
        params = load()
        chosen = sections.settings_of_method("finetune", params.finetune, name, params.method[name].finetune)
        chosen = chosen.model_copy(update={"epochs": epochs, "steps_per_epoch": per_epoch, "save_every": 10**6})
        encoder = settled(job)
        model = MultiTaskModel(encoder, params.tasks, chosen, 1)
        folder = workload.folder(f"{name}-{per_epoch}-{os.getpid()}")
        begin = time.perf_counter()
        done = finetune.fit(model, params.tasks, chosen, name, 1, folder).steps
        return time.perf_counter() - begin, done

    seconds("unfrozen", 1, 4)
    some, more = seconds("unfrozen", 1, 8)[0], seconds("unfrozen", 1, job.steps)[0]
    step = (more - some) / (job.steps - 8)
    whole, done = seconds("baseline", EPOCHS, 0)
    through = done * step + EPOCHS * (some - 8 * step)
    return {"seconds": whole, "sequences": done, "times": through / whole}


def training_run(contender: str, job: Job) -> dict[str, Any]:
    marks, losses = globals()[contender](job)
    warm = workload.WARM[job.device]
    seconds = (marks[-1] - marks[warm]) / (job.steps - 1 - warm)
    work = 3 * workload.flops(workload.token_lengths(job.steps, job.batch)) / job.steps / 1e9
    return {"seconds": seconds, "sequences": 2 * job.batch, "gflop": work, "losses": losses, "weights": LEFT[-1:]}


def encoding_run(contender: str, job: Job) -> dict[str, Any]:
    seconds = globals()[f"encode_{contender}"](job)
    return {"seconds": seconds, "sequences": workload.SENTENCES[job.device]}


def main(kind: str, name: str, threads: int, steps: int, device: str = "cpu", batch: int = workload.BATCH) -> None:
    contender, _, variant = name.partition("-")
    job = Job(threads, steps, variant, device, batch)
    if kind in ("training", "encoding"):
        figures = {"training": training_run, "encoding": encoding_run}[kind](contender, job)
    else:
        figures = {"passes": passes, "frozen": frozen}[kind](job)
    print(json.dumps({**figures, "gigabytes": workload.memory()}))


if __name__ == "__main__":
    parser = options.parser(__spec__.name, __doc__)
    parser.add_argument("kind", metavar="KIND", choices=KINDS)
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("threads", metavar="THREADS", type=options.count)
    parser.add_argument("steps", metavar="STEPS", type=options.count)
    parser.add_argument("device", metavar="DEVICE", nargs="?", default="cpu", choices=[*workload.WARM])
    parser.add_argument("batch", metavar="BATCH", nargs="?", type=options.count, default=workload.BATCH)
    with options.in_words():
        main(**vars(parser.parse_args()))
