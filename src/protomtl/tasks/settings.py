"""A block of `tasks` in params.yaml: what its labels are, and where texts and labels stand in its files."""

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Annotated, Any, Self

import numpy as np
from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Strict, Tag, WithJsonSchema, model_validator

from protomtl.core.settings import Block
from protomtl.tasks.figures import FIGURES, Figure, MetricName
from protomtl.tasks.kind import Kind
from protomtl.tasks.kinds import KINDS, NONE, SEPARATORS, KindName
from protomtl.tasks.labels import JOINERS, Names, composed, exact

WIDEST = 1000  # range of a regression
MOST = 2**53 - 1  # the largest whole number below which all are floats
MOST_TOGETHER = MOST.bit_length()  # classes of kind multilabel: a label is one number, with a bit for each
MOST_CLASSES = 10**5
UNPRINTED = dict.fromkeys(map(ord, JOINERS))
VALUES = [name for name, what in KINDS.items() if not what.has_classes]
CLASSES = [name for name, what in KINDS.items() if what.has_classes and name != "binary"]  # binary may do without
Label = Annotated[float, Field(ge=-(10**4), le=10**4), Strict()]


def within(name: str) -> str:
    """The name of a file, if it lies in the folder in which it is looked for."""
    path = PurePosixPath(name)
    if not name.strip() or "\0" in name or path.is_absolute() or ".." in path.parts or not path.parts:
        raise ValueError(f"{name!r}: must be a file's path within data.folder, without ..")
    return name


FileName = Annotated[str, AfterValidator(within)]


class Files(Block):
    """Paths within `data.folder`, and then within data/raw; two tasks may share a file, two splits of one may not."""

    train: FileName
    dev: FileName
    test: FileName

    @model_validator(mode="after")
    def splits_are_apart(self) -> Self:
        found: dict[PurePosixPath, str] = {}
        for split, name in self:
            if (other := found.setdefault(PurePosixPath(name), split)) != split:
                raise ValueError(f"`{other}` and `{split}` are one file: {name!r}; a split needs a file of its own")
        return self


def name_of_class(value: Any) -> Any:
    """The name of a class as text: YAML may take it for a number or for true and false."""
    return str(value).lower() if isinstance(value, bool) else str(value) if isinstance(value, (int, float)) else value


def told_apart(names: list[str]) -> list[str]:
    """The names, if each is a word in one line and means one class."""
    for name in names:
        seen = name.translate(UNPRINTED)
        if not seen.strip() or name != name.strip() or not seen.isprintable():
            raise ValueError(
                f"{name!r} is no name of a class: it must be a word in one line, without white space round it"
            )
    words = {composed(name): exact(name) for name in names}
    values = [value for value in words.values() if value is not None]
    if len(words) < len(names) or len({*values}) < len(values):
        raise ValueError("two classes have one name; name each once")
    return names


ClassName = Annotated[str, BeforeValidator(name_of_class), WithJsonSchema({"type": ["string", "number", "boolean"]})]
ClassNames = Annotated[list[ClassName], Field(min_length=2), AfterValidator(told_apart)]
Classes = Annotated[  # an error is that of the one or of the other; `[…]` is a note on types, which no path shows
    Annotated[int, Field(ge=2, le=MOST_CLASSES), Tag("[number]")] | Annotated[ClassNames, Tag("[names]")],
    Discriminator(lambda value: "[names]" if isinstance(value, list) else "[number]"),
]


class Task(Block):
    """A task: what its labels are, where texts and labels stand in its files, and whether only pre-training uses it.

    classes: their names, in order, or how many there are; metric: the figure that counts, the kind's first if None.
    """

    kind: KindName
    texts: Annotated[list[str], Field(min_length=1, max_length=2)]
    label: str
    files: Files
    classes: Classes | None = None
    range: Annotated[tuple[Label, Label], Strict(False)] | None = None  # YAML has lists
    metric: MetricName | None = None
    ordered: bool = False
    auxiliary: bool = False

    @model_validator(mode="after")
    def labels_are_defined(self) -> Self:
        if self.kind == "binary":
            if self.classes is not None and (isinstance(self.classes, int) or len(self.classes) != 2):
                raise ValueError("`classes` of kind binary are two names, such as [spam, ham]; without it no and yes")
        elif self.what.has_classes != (self.classes is not None):
            raise ValueError(f"`classes` belongs to kinds {' and '.join(CLASSES)}, and only there")
        if self.kind == "multilabel" and self.bounds[1] > MOST:
            raise ValueError(f"kind multilabel has at most {MOST_TOGETHER} classes, not {len(self.class_names)}")
        if self.kind == "multilabel" and any(re.search(SEPARATORS, str(name)) for name in self.class_names):
            raise ValueError(
                "a class of kind multilabel has neither semicolon nor bar in its name: they stand between two"
            )
        if self.what.has_classes == (self.range is not None):
            raise ValueError(f"`range` belongs to kind {' and '.join(VALUES)}, and only there")
        if self.metric is not None and self.metric not in self.what.metrics:
            raise ValueError(f"`metric` of kind {self.kind} is one of {', '.join(self.what.metrics)}")
        if self.range is not None and self.range[0] >= self.range[1]:
            raise ValueError("`range` must be [smallest, largest]")
        if self.range is not None and self.range[1] - self.range[0] > WIDEST:
            raise ValueError(f"`range` is wider than {WIDEST}, and each whole number is a class of prototypes: rescale")
        if self.ordered and self.kind != "classification":
            raise ValueError("`ordered` belongs to kind classification, and only there")
        return self

    @property
    def what(self) -> Kind:
        """What its kind means."""
        return KINDS[self.kind]

    @property
    def pair(self) -> bool:
        return len(self.texts) == 2

    @property
    def bounds(self) -> tuple[float, float]:
        """Smallest and largest label."""
        return self.what.bounds(self)

    @property
    def outputs(self) -> int:
        """Numbers that a head gives for a row."""
        return self.what.outputs(self)

    @property
    def class_names(self) -> Names:
        """Of the classes of its labels; of values, the numbers that rounding gives (report §4.3)."""
        return self.what.names(self)

    def shown(self, label: float) -> str:
        """A label or a prediction, for people."""
        return str(self.what.shown(self, label))

    def prototype_name(self, number: int) -> str:
        """The name of a class that has a prototype, by `class_of` of its labels."""
        return str(self.what.prototypes(self)[number - self.what.class_of(self.bounds[0])])

    def histogram(self, counts: Mapping[str, int]) -> str:
        """How often each class occurs, or how many values lie in each part of the range, for people."""
        names = {str(number): name for number, name in enumerate(self.class_names)} if self.what.has_classes else {}
        return ", ".join(f"{names.get(what, what)}: {count}" for what, count in counts.items())

    @property
    def number_of_classes(self) -> int:
        """Of those that have prototypes."""
        return len(self.what.prototypes(self))

    @property
    def main_metric(self) -> MetricName:
        """The figure that stands for the task, and counts for `overall` if more of it is better."""
        return self.metric or self.what.metrics[0]

    @property
    def figure(self) -> Figure:
        """What its main metric is called, and its scale."""
        return FIGURES[self.main_metric]


def flaw(task: Task) -> str:
    """What params.yaml may not say of a task, though exports and runs of before may; nothing for a sound one."""
    if len({*task.texts}) < len(task.texts):
        return f"both `texts` are one column: {task.texts[0]!r}"
    if task.label in task.texts:
        return f"`label` is one of the `texts`, too: {task.label!r}, so that a text would tell its label"
    if task.kind == "multilabel" and NONE in [str(name).casefold() for name in task.class_names]:
        return f"no class of kind multilabel is named {NONE}: a row without a class has this label"
    return ""


def tasks_of(record: Mapping[str, Any]) -> dict[str, Task]:
    """The tasks of a trained model, by its record."""
    return {name: Task.model_validate(block) for name, block in record["tasks"].items()}


def main_tasks(tasks: Mapping[str, Task]) -> dict[str, Task]:
    """The tasks that are fine-tuned, evaluated and shown: all but the auxiliary ones. SystemExit if there is none."""
    main = {name: task for name, task in tasks.items() if not task.auxiliary}
    if not main:
        raise SystemExit("params.yaml: tasks: all are auxiliary; at least one must be a main task")
    if not counted(main):
        raise SystemExit("params.yaml: tasks: the metric of each is rmse; one must have another, for `overall` chooses")
    return main


def counted(tasks: Mapping[str, Task]) -> list[str]:
    """The tasks whose figures are in `overall`: those of which more is better."""
    return [name for name, task in tasks.items() if task.figure.sign > 0]


def clipped(task: Task, predicted: np.ndarray) -> np.ndarray:
    """Predictions as people are given them: values within the range of the task, class numbers as they are."""
    return predicted if task.what.has_classes else np.asarray(np.clip(predicted, *task.bounds))
