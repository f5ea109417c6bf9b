"""A trained model outside the pipeline: texts in, vectors, classes and values out (`protomtl.load`)."""

from collections.abc import Iterable, Iterator, Mapping, Set
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file

from protomtl.core.files import read_json
from protomtl.core.paths import MAP, PROTOTYPES, READOUT, RECORD
from protomtl.model import readout
from protomtl.model.checkpoint import trained_model
from protomtl.model.device import threads
from protomtl.model.encoder import evaluating
from protomtl.model.sequences import TokenTable
from protomtl.model.settings import Compute
from protomtl.tasks.settings import Task
from protomtl.tokenizer import open_tokenizer, token_numbers

BLOCK = 1024  # rows that are encoded at a time: sorted by length among themselves

Row = str | tuple[str, str]  # a text, or a pair of texts


def load(
    folder: str | Path,
    *,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    precision: Literal["auto", "bf16", "fp32"] = "fp32",
    threads: int = 1,
) -> "Model":
    """Load what `protomtl export` wrote.

    precision: fp32 gives the vectors that other loaders of the folder give; auto is faster where the hardware
    multiplies bf16. threads: of a CPU. Raises FileNotFoundError, with what to do, if the folder holds no export, and
    ValueError if what it holds is damaged or does not fit together.
    """
    folder = exported(folder)
    try:
        return Model(folder, Compute(device=device, precision=precision, threads=threads, processes=1))
    except SystemExit as error:  # a step ends by it; a user's program goes on
        raise ValueError(error.code) from None
    except (KeyError, TypeError) as error:
        raise ValueError(f"{folder / RECORD}: this is no record of an export: {error!r}") from None


def exported(folder: str | Path) -> Path:
    """The folder, if it holds an export; else FileNotFoundError."""
    if not (Path(folder) / RECORD).is_file():
        raise FileNotFoundError(
            f"{folder}: no {RECORD} there; `protomtl export METHOD --to {folder}` makes such a folder"
        )
    return Path(folder)


class Model:
    """A trained encoder with its heads. Rows may come from any iterable, a stream too; longer texts are cut.

    tasks: name -> what its labels are. Nothing is changed by a call.
    """

    def __init__(self, folder: Path, compute: Compute) -> None:
        self.folder = folder
        self.record: dict[str, Any] = read_json(folder / RECORD)
        self.tokenizer, self.special = open_tokenizer(folder, self.record["max_length"])
        record = self.record | {"compute": compute.model_dump()}
        self.model, self.tasks = trained_model(folder, folder, record)
        self.model.eval()
        self.compute = compute
        self.readouts = readout.load(folder / READOUT, self.tasks) if (folder / READOUT).exists() else {}
        self.means = read_means(folder / PROTOTYPES, self.tasks, self.width)
        words = self.model.encoder.network.get_input_embeddings().num_embeddings
        if self.tokenizer.get_vocab_size() > words:
            raise SystemExit(f"{folder}: its tokenizer has more words than the encoder, which knows {words}")

    @property
    def width(self) -> int:
        """Of a vector."""
        return self.model.encoder.width

    def encode(self, texts: Iterable[str]) -> np.ndarray:
        """[n, width] float32, the vector of each text by itself."""
        return stacked(self.stream(texts), self.width)

    def stream(self, texts: Iterable[str]) -> Iterator[np.ndarray]:
        """The vectors of texts, one at a time, while they come; a thousand texts are read ahead."""
        for block in blocks(checked(texts, 1)):
            yield from self.encoded(self.table("", block))

    def encoded(self, table: TokenTable) -> np.ndarray:
        """[n, width] of texts, each by itself."""
        with threads(self.compute.threads), evaluating(self.model.encoder):
            found: np.ndarray = self.model.encoder(table.single(np.arange(len(table)), 0)).cpu().numpy()
        return found

    def predict(self, task: str, rows: Iterable[Row]) -> np.ndarray:
        """[n, classes] probabilities of a task, or [n, 1] values of a regression. ValueError for an unknown task."""
        if task not in self.tasks:
            raise ValueError(f"this model has no task {task!r}; it has {', '.join(self.tasks)}")
        what = self.tasks[task]
        return stacked(self.stream_scores(task, rows), what.what.score_columns(what))

    def stream_scores(self, task: str, rows: Iterable[Row]) -> Iterator[np.ndarray]:
        """What `predict` gives, row by row, while rows come."""
        what = self.tasks[task]
        for block in blocks(checked(rows, len(what.texts))):
            table = self.table(task, block)
            with threads(self.compute.threads):
                scores = self.model.scores(task, what, partial(self.model.embed, table), len(table))
            yield from scores

    def vectors(self, task: str, rows: Iterable[Row]) -> np.ndarray:
        """[n, width] of a task's rows as the task encodes them, of two their sum: see `prototypes`."""
        parts = self.embedded(task, rows)
        return stacked((row for block in parts for row in torch.stack(block).sum(0).cpu().numpy()), self.width)

    def embedded(self, task: str, rows: Iterable[Row]) -> Iterator[tuple[torch.Tensor, ...]]:
        """The embeddings [some rows, width] of each sequence group of a task, a thousand rows at a time."""
        for block in blocks(checked(rows, len(self.tasks[task].texts))):
            table = self.table(task, block)
            with threads(self.compute.threads):
                found = self.model.embed(table, np.arange(len(table)))
            yield found

    def by_prototypes(self, task: str, rows: Iterable[Row]) -> np.ndarray:
        """[n, classes] probabilities by prototypes with prior and scale, without the head; or [n, 1] values.

        The logit of class k is -τ d(q, c_k) + log π_k. ValueError for a model that was exported without.
        """
        if task not in self.readouts:
            raise ValueError(f"this model has no prototypes with prior and scale of {task!r}; export it again")
        found, what = self.readouts[task], self.tasks[task]
        likely = (
            found.probabilities(self.model.readout_vectors(task, parts).cpu()) for parts in self.embedded(task, rows)
        )
        if what.what.has_classes:
            return stacked((row for block in likely for row in block.numpy()), len(found.log_prior))
        return stacked((value[None] for block in likely for value in readout.predictions(what, block)), 1)

    def sentiment(self, texts: Iterable[str]) -> np.ndarray:
        """[n, 5] probabilities of very negative (0) to very positive (4): task `sst`."""
        return self.predict("sst", texts)

    def paraphrase(self, pairs: Iterable[tuple[str, str]]) -> np.ndarray:
        """[n] probability that both texts ask the same: task `para`."""
        return self.predict("para", pairs)[:, 1]

    def similarity(self, pairs: Iterable[tuple[str, str]]) -> np.ndarray:
        """[n] similarity of both texts from 0 to 5, within these bounds: task `sts`."""
        return np.asarray(np.clip(self.predict("sts", pairs)[:, 0], *self.tasks["sts"].bounds))

    def prototypes(self, task: str) -> np.ndarray:
        """[classes, width] the mean vectors of training rows of each class (report §4.3), of two texts their sum;
        of a regression the classes are the rounded labels. NaN stands for a class of which no row was seen."""
        if task not in self.means:
            raise ValueError(f"this model has no prototypes of {task!r}; it has {', '.join(self.means)}")
        found: np.ndarray = self.means[task]
        return found

    def map(self, task: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Some dev rows of a task, its prototypes last: `vectors` [n, width], classes [n], places [n, 2] by t-SNE."""
        plane = load_file(self.folder / MAP)
        vectors, classes, places = (plane[f"{task}.{what}"] for what in ("vectors", "classes", "places"))
        return vectors, classes, places

    def table(self, task: str, rows: list[Row]) -> TokenTable:
        """Texts as the token table that training reads."""
        texts = [[row] if isinstance(row, str) else row for row in rows]
        sides = [flat(token_numbers(self.tokenizer, [*side])) for side in zip(*texts, strict=True)]
        return TokenTable(task, sides, self.special, np.full(len(rows), np.nan, np.float32))


def read_means(path: Path, tasks: Mapping[str, Task], width: int) -> dict[str, np.ndarray]:
    """The prototypes [classes, width] of each task. SystemExit for those of another model, or a damaged file."""
    try:
        found: dict[str, np.ndarray] = load_file(path)
    except (OSError, SafetensorError) as error:
        raise SystemExit(f"{path}: cannot be read as safetensors: {error}") from None
    wanted = {name: (task.number_of_classes, width) for name, task in tasks.items()}
    if {name: means.shape for name, means in found.items()} != wanted:
        raise SystemExit(f"{path}: these prototypes are not of the model beside them; export it again")
    return found


def blocks(rows: Iterator[Row]) -> Iterator[list[Row]]:
    """BLOCK rows at a time."""
    while block := list(islice(rows, BLOCK)):
        yield block


def flat(numbers: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Lists end to end, and where each begins and the end."""
    return np.fromiter(chain.from_iterable(numbers), np.int32), np.cumsum([0, *map(len, numbers)])


def stacked(rows: Iterator[np.ndarray], width: int) -> np.ndarray:
    """[n, width] of n rows, none too."""
    found = list(rows)
    return np.stack(found) if found else np.empty((0, width), np.float32)


def checked(rows: Iterable[Row], texts: int) -> Iterator[Row]:
    """The rows, if each is a text, or a pair of texts; else a TypeError with its number, and one for what has no rows
    of its own or no order of them. ValueError for a text that cannot be written in UTF-8."""
    needed = "a pair of texts" if texts == 2 else "a text"
    if isinstance(rows, str):
        raise TypeError("a list of texts is needed, not one text")
    unordered = isinstance(rows, (bytes, bytearray, Mapping, Set)) or hasattr(rows, "columns")  # of a table
    if unordered or not isinstance(rows, Iterable):
        kind = type(rows).__name__
        raise TypeError(f"a list is needed, {needed} each, not {kind}; of a table give the columns of texts")
    for number, row in enumerate(rows):
        parts = row if isinstance(row, (tuple, list)) else (row,)
        if len(parts) != texts or not all(isinstance(part, str) for part in parts):
            raise TypeError(f"row {number}: {needed} is needed, not {row!r:.80}")
        if any("\ud800" <= c <= "\udfff" for part in parts if not part.isascii() for c in part):
            raise ValueError(f"row {number}: {row!r:.80} has half of a pair that stands for one character; remove it")
        yield row
