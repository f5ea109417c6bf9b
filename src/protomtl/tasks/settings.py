"""A block of `tasks` in params.yaml: what its labels are, and where texts and labels stand in its files."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Annotated, Self

import numpy as np
from pydantic import AfterValidator, Field, Strict, model_validator

from protomtl.core.settings import Block
from protomtl.tasks.kinds import KINDS, Kind, KindName

MOST_CLASSES = 10**5
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


class Task(Block):
    """A task: what its labels are, where texts and labels stand in its files, and whether only pre-training uses it."""

    kind: KindName
    texts: Annotated[list[str], Field(min_length=1, max_length=2)]
    label: str
    files: Files
    classes: Annotated[int, Field(ge=2, le=MOST_CLASSES)] | None = None
    range: Annotated[tuple[Label, Label], Strict(False)] | None = None  # YAML has lists
    ordered: bool = False
    auxiliary: bool = False

    @model_validator(mode="after")
    def labels_are_defined(self) -> Self:
        for key, owner in (("classes", "classification"), ("range", "regression")):
            if (self.kind == owner) != (getattr(self, key) is not None):
                raise ValueError(f"`{key}` belongs to kind {owner}, and only there")
        if self.range is not None and self.range[0] >= self.range[1]:
            raise ValueError("`range` must be [smallest, largest]")
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
    def number_of_classes(self) -> int:
        """Classes of its labels; of values, those that rounding gives (report §4.3)."""
        low, high = map(self.what.class_of, self.bounds)
        return high - low + 1


def main_tasks(tasks: Mapping[str, Task]) -> dict[str, Task]:
    """The tasks that are fine-tuned, evaluated and shown: all but the auxiliary ones. SystemExit if there is none."""
    main = {name: task for name, task in tasks.items() if not task.auxiliary}
    if not main:
        raise SystemExit("params.yaml: tasks: all are auxiliary; at least one must be a main task")
    return main


def predictions(task: Task, scores: np.ndarray) -> np.ndarray:
    """[n] class numbers, or values for regression, of the scores [n, classes or 1]."""
    return task.what.predictions(scores)
