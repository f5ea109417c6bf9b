"""A trained model outside the pipeline: texts in, vectors, classes and values out (`protomtl.load`)."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from protomtl.core.paths import MAP
from protomtl.inference import answers
from protomtl.inference.export_files import form_of
from protomtl.inference.map import read_map
from protomtl.inference.rows import BLOCK, Row, Rows, asked, blocks, check_number, checked, stacked
from protomtl.inference.trust import read_examples, read_trust, strangeness, threshold
from protomtl.novelty import unit
from protomtl.tasks.settings import Task

if TYPE_CHECKING:
    from protomtl.inference.network import Network


class Model:
    """A trained encoder with its heads. Longer texts are cut. Nothing is changed by a call.

    Rows may come as a list, an array, a Series or a stream; one row by itself has one answer. `batch_size` is how many
    are encoded at a time, `show_progress_bar` draws a bar. tasks: name -> what its labels are. origin: the folder that
    was named, or ORG/NAME@COMMIT.
    Raises TypeError for what is no row, and ValueError for a task that the model has not.
    """

    def __init__(self, folder: Path, record: dict[str, Any], network: "Network", origin: str = "") -> None:
        self.folder, self.record, self.network = folder.absolute(), record, network  # the current folder may change
        self.origin = origin or str(folder)
        self.tasks: dict[str, Task] = network.tasks
        self.width: int = network.width  # of a vector
        self.trust = read_trust(folder, self.tasks)
        self.examples = read_examples(folder, self.tasks, self.width)

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

        normalize_embeddings: to length 1, zeros aside. convert_to_tensor: a tensor of torch on the model's device, not
        an array.
        """
        found, one = asked(texts, 1, batch_size, show_progress_bar)
        vectors = stacked((row for block in found for row in self.network.encode(block)), self.width)
        if normalize_embeddings:
            vectors = unit(vectors).astype(vectors.dtype)
        answer: np.ndarray = vectors[0] if one else vectors
        if not convert_to_tensor:
            return answer
        import torch

        return torch.from_numpy(answer).to(self.network.device)

    def stream(self, texts: Iterable[str]) -> Iterator[np.ndarray]:
        """The vectors of texts, one at a time, while they come; a thousand texts are read ahead."""
        for block in blocks(checked(texts, 1), BLOCK):
            yield from self.network.encode(block)

    def predict(
        self, task: str, rows: Rows, *, unknown: Any = None, batch_size: int = BLOCK, show_progress_bar: bool = False
    ) -> Any:
        """[n] labels: names of classes, of several labels a row a tuple of them, or values within their range.

        Of one row by itself its label. unknown: what is said of a row that is none of the task's; see `novelty`.
        """
        found, one = asked(rows, len(self.task(task).texts), batch_size, show_progress_bar)
        said = [self.labels(task, block, unknown) for block in found]
        whole = np.concatenate(said) if said else self.labels(task, [], None)
        return whole.item() if one else whole

    def labels(self, task: str, rows: list[Row], unknown: Any) -> np.ndarray:
        """[n] what `predict` says of one block."""
        what = self.tasks[task]
        said = answers.labels(what, stacked(self.scores(task, [rows] if rows else []), what.what.score_columns(what)))
        return said if unknown is None else answers.with_unknown(said, self.novelty(task, rows) > 0, unknown)

    def predict_proba(
        self,
        task: str,
        rows: Rows,
        *,
        calibrated: bool = True,
        batch_size: int = BLOCK,
        show_progress_bar: bool = False,
    ) -> np.ndarray:
        """[n, classes] float32 probabilities, in the order of `classes`; of one row [classes].

        Of several labels a row each class has a probability of its own. calibrated: by the temperature that was
        likeliest on dev; without it as step `evaluate` has them. ValueError for a task of values.
        """
        what = self.classified(task)
        found, one = asked(rows, len(what.texts), batch_size, show_progress_bar)
        likely = stacked(self.scores(task, found, calibrated), what.what.score_columns(what))
        return likely[0] if one else likely

    def novelty(self, task: str, rows: Rows) -> Any:
        """[n] above 0 where a row is none of what the task was trained on, as far as its score and the threshold can
        tell, which lets 95 % of dev rows through. ValueError for a model that was exported without."""
        found, one = asked(rows, len(self.task(task).texts), BLOCK, False)
        known = threshold(self.trust, task)
        said = [strangeness(self.network, task, known, block) for block in found]
        return (said[0].item() if one else np.concatenate(said)) if said else np.empty(0)

    def explain(self, task: str, rows: Rows, top: int = 3) -> list[Any]:
        """Of each row the nearest training examples by the cosine of their vectors, as {text, label, cosine}; of one
        row by itself this list. ValueError for a model that was exported without examples."""
        what = self.task(task)
        if task not in self.examples:
            raise ValueError(f"this model has no examples of {task!r}; {self._exported_with('`--examples 1000`')}")
        check_number("top", top)
        found, one = asked(rows, len(what.texts), BLOCK, False)
        near = [self.examples[task].nearest(self.network.vectors(task, block), top) for block in found]
        return near[0][0] if one else [row for block in near for row in block]

    def classes(self, task: str) -> list[str | int]:
        """What the columns of `predict_proba` stand for."""
        return [*self.classified(task).class_names]

    def stream_scores(self, task: str, rows: Iterable[Row]) -> Iterator[np.ndarray]:
        """The probabilities [classes] of each row while rows come, or its value [1] as the head gives it."""
        yield from self.scores(task, blocks(checked(rows, len(self.task(task).texts)), BLOCK))

    def scores(self, task: str, rows: Iterable[list[Row]], calibrated: bool = True) -> Iterator[np.ndarray]:
        """The probabilities [classes] of each row of some blocks, or its value [1]."""
        temperature = self.trust[task].temperature if calibrated else 1.0
        for block in rows:
            yield from answers.scores(self.tasks[task], self.network.outputs(task, block), temperature)

    def vectors(self, task: str, rows: Rows) -> np.ndarray:
        """[n, width] of a task's rows as the task encodes them, of two their sum: see `prototypes`."""
        return self.answered(task, rows, self.network.vectors, self.width)

    def by_prototypes(self, task: str, rows: Rows) -> np.ndarray:
        """[n, classes] probabilities by prototypes with prior and scale, without the head; or [n, 1] values.

        The logit of class k is -τ d(q, c_k) + log π_k. ValueError for a model that was exported without.
        """
        what = self.task(task)
        if what.what.has_classes and not what.what.one_class:
            raise ValueError(f"task {task!r} has several classes a row, which no prototypes with prior and scale tell")
        if task not in self.network.readouts:
            raise ValueError(f"this model has no prototypes with prior and scale of {task!r}; {self._exported_with()}")
        columns = what.number_of_classes if what.what.has_classes else 1
        return self.answered(task, rows, self.network.by_prototypes, columns)

    def answered(self, task: str, rows: Rows, ask: Callable[[str, list[Row]], np.ndarray], columns: int) -> np.ndarray:
        """[n, columns] what the network says of the rows of a task, of one row by itself [columns]."""
        found, one = asked(rows, len(self.task(task).texts), BLOCK, False)
        said = stacked((row for block in found for row in ask(task, block)), columns)
        return said[0] if one else said

    def sentiment(self, texts: Rows) -> np.ndarray:
        """[n, 5] probabilities of very negative to very positive: task `sst`."""
        return self.predict_proba("sst", texts)

    def paraphrase(self, pairs: Rows) -> Any:
        """[n] probability that both texts ask the same: task `para`; of one pair this number."""
        likely = self.predict_proba("para", pairs)[..., 1]
        return likely if likely.ndim else likely.item()

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
        """Some dev rows of a task, its prototypes last: `vectors` [n, width], classes [n], places [n, 2] by t-SNE.

        ValueError where there is no map, as in an export of format static.
        """
        self.task(task)
        return read_map(self.folder, task)

    @property
    def has_map(self) -> bool:
        """Not an export of format static."""
        return (self.folder / MAP).is_file()

    def task(self, name: str) -> Task:
        """ValueError for one that the model has not."""
        if not isinstance(name, str) or name not in self.tasks:
            raise ValueError(f"this model has no task {name!r}; it has {', '.join(self.tasks)}")
        return self.tasks[name]

    def classified(self, name: str) -> Task:
        """A task of classes; ValueError for values."""
        what = self.task(name)
        if not what.what.has_classes:
            raise ValueError(f"task {name!r} has values, which have no probabilities; use predict")
        return what

    def _exported_with(self, options: str = "") -> str:
        """How an export has what this one lacks; a static copy never has it."""
        again = f"export it with {options}" if options else "export it again"
        return again if form_of(self.record) != "static" else f"{again}, as format torch or onnx: static has none"
