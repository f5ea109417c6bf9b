"""A trained model outside the pipeline: texts in, vectors, classes and values out (`protomtl.load`)."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from safetensors.numpy import load_file

from protomtl.core.files import read_json
from protomtl.core.paths import MAP, RECORD
from protomtl.inference import answers
from protomtl.inference.rows import BLOCK, Row, Rows, asked, blocks, checked, stacked
from protomtl.model.settings import Compute
from protomtl.tasks.settings import Task

if TYPE_CHECKING:
    from protomtl.inference.network import Network


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
    from protomtl.inference.network import Network  # heavy

    folder = exported(folder)
    compute = Compute(device=device, precision=precision, threads=threads, processes=1)
    try:
        record = read_json(folder / RECORD)
        return Model(folder, record, Network(folder, record, compute))
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
    """A trained encoder with its heads. Longer texts are cut. Nothing is changed by a call.

    Rows may come as a list, an array, a Series or a stream; one row by itself has one answer. `batch_size` is how many
    are encoded at a time, `show_progress_bar` draws a bar. tasks: name -> what its labels are.
    Raises TypeError for what is no row, and ValueError for a task that the model has not.
    """

    def __init__(self, folder: Path, record: dict[str, Any], network: "Network") -> None:
        self.folder, self.record, self.network = folder, record, network
        self.tasks: dict[str, Task] = network.tasks
        self.width: int = network.width  # of a vector

    def encode(
        self,
        texts: Rows,
        *,
        batch_size: int = BLOCK,
        show_progress_bar: bool = False,
        normalize_embeddings: bool = False,
        convert_to_tensor: bool = False,
    ) -> Any:
        """[n, width] float32, the vector of each text by itself; of one text [width].

        normalize_embeddings: to length 1. convert_to_tensor: a tensor of torch on the model's device, not an array.
        """
        found, one = asked(texts, 1, batch_size, show_progress_bar)
        vectors = stacked((row for block in found for row in self.network.encode(block)), self.width)
        if normalize_embeddings:
            vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        answer: np.ndarray = vectors[0] if one else vectors
        if not convert_to_tensor:
            return answer
        import torch

        return torch.from_numpy(answer).to(self.network.device)

    def stream(self, texts: Iterable[str]) -> Iterator[np.ndarray]:
        """The vectors of texts, one at a time, while they come; a thousand texts are read ahead."""
        for block in blocks(checked(texts, 1), BLOCK):
            yield from self.network.encode(block)

    def predict(self, task: str, rows: Rows, *, batch_size: int = BLOCK, show_progress_bar: bool = False) -> Any:
        """[n] labels: names of classes, of several labels a row a tuple of them, or values within their range.

        Of one row by itself its label.
        """
        what = self.task(task)
        found, one = asked(rows, len(what.texts), batch_size, show_progress_bar)
        said = answers.labels(what, stacked(self.scores(task, found), what.what.score_columns(what)))
        return said.item() if one else said

    def predict_proba(
        self, task: str, rows: Rows, *, batch_size: int = BLOCK, show_progress_bar: bool = False
    ) -> np.ndarray:
        """[n, classes] float32 probabilities, in the order of `classes`; of one row [classes].

        Of several labels a row each class has a probability of its own. ValueError for a task of values.
        """
        what = self.classified(task)
        found, one = asked(rows, len(what.texts), batch_size, show_progress_bar)
        likely = stacked(self.scores(task, found), what.what.score_columns(what))
        return likely[0] if one else likely

    def classes(self, task: str) -> list[str | int]:
        """What the columns of `predict_proba` stand for."""
        return [*self.classified(task).class_names]

    def stream_scores(self, task: str, rows: Iterable[Row]) -> Iterator[np.ndarray]:
        """The probabilities [classes] of each row while rows come, or its value [1] as the head gives it."""
        yield from self.scores(task, blocks(checked(rows, len(self.task(task).texts)), BLOCK))

    def scores(self, task: str, rows: Iterable[list[Row]]) -> Iterator[np.ndarray]:
        """The probabilities [classes] of each row of some blocks, or its value [1]."""
        for block in rows:
            yield from answers.scores(self.tasks[task], self.network.outputs(task, block), 1.0)

    def vectors(self, task: str, rows: Rows) -> np.ndarray:
        """[n, width] of a task's rows as the task encodes them, of two their sum: see `prototypes`."""
        found, one = asked(rows, len(self.task(task).texts), BLOCK, False)
        vectors = stacked((row for block in found for row in self.network.vectors(task, block)), self.width)
        return vectors[0] if one else vectors

    def by_prototypes(self, task: str, rows: Rows) -> np.ndarray:
        """[n, classes] probabilities by prototypes with prior and scale, without the head; or [n, 1] values.

        The logit of class k is -τ d(q, c_k) + log π_k. ValueError for a model that was exported without.
        """
        what = self.task(task)
        if task not in self.network.readouts:
            raise ValueError(f"this model has no prototypes with prior and scale of {task!r}; export it again")
        found, one = asked(rows, len(what.texts), BLOCK, False)
        columns = what.number_of_classes if what.what.has_classes else 1
        likely = stacked((row for block in found for row in self.network.by_prototypes(task, block)), columns)
        return likely[0] if one else likely

    def sentiment(self, texts: Rows) -> np.ndarray:
        """[n, 5] probabilities of very negative to very positive: task `sst`."""
        return self.predict_proba("sst", texts)

    def paraphrase(self, pairs: Rows) -> Any:
        """[n] probability that both texts ask the same: task `para`."""
        return self.predict_proba("para", pairs)[..., 1]

    def similarity(self, pairs: Rows) -> Any:
        """[n] similarity of both texts from 0 to 5, within these bounds: task `sts`."""
        return self.predict("sts", pairs)

    def prototypes(self, task: str) -> np.ndarray:
        """[classes, width] the mean vectors of training rows of each class (report §4.3), of two texts their sum;
        of a regression the classes are the rounded labels. NaN stands for a class of which no row was seen."""
        if task not in self.network.means:
            raise ValueError(f"this model has no prototypes of {task!r}; it has {', '.join(self.network.means)}")
        found: np.ndarray = self.network.means[task]
        return found

    def map(self, task: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Some dev rows of a task, its prototypes last: `vectors` [n, width], classes [n], places [n, 2] by t-SNE."""
        plane = load_file(self.folder / MAP)
        vectors, classes, places = (plane[f"{task}.{what}"] for what in ("vectors", "classes", "places"))
        return vectors, classes, places

    def task(self, name: str) -> Task:
        """ValueError for one that the model has not."""
        if name not in self.tasks:
            raise ValueError(f"this model has no task {name!r}; it has {', '.join(self.tasks)}")
        return self.tasks[name]

    def classified(self, name: str) -> Task:
        """A task of classes; ValueError for values."""
        what = self.task(name)
        if not what.what.has_classes:
            raise ValueError(f"task {name!r} has values, which have no probabilities; use predict")
        return what
