"""What params.yaml says of training: the budget and the optimiser of both phases, and the second phase's own part."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from protomtl.core.settings import Block, Count, Fraction, Name, Positive, different
from protomtl.model.settings import Heads, Normalised, Weight
from protomtl.tasks.settings import Task

Rate = Annotated[float, Field(gt=0, le=10)]


class Smoothness(Normalised, extra="forbid"):
    """Keeping outputs where they are when the input is moved a little."""

    radius: Annotated[float, Field(gt=0, le=100)]


class Training(Block):
    """What both phases share: budget, sampling and optimiser."""

    epochs: Positive
    steps_per_epoch: Count
    batch_size: Positive
    sampling: Literal["longest", "zip", "proportional", "sqrt", "annealed", "episodes"]
    gradients: Literal["sum", "pcgrad", "upgrad", "cagrad", "aligned_mtl", "imtl_g", "gradvac", "random"]
    lr: Rate
    head_lr: Rate
    layer_decay: Annotated[float, Field(gt=0, le=1)]
    schedule: Literal["linear", "constant"]
    warmup: Fraction
    weight_decay: Annotated[float, Field(ge=0, le=100)]
    decayed: Literal["all", "matrices"]
    clip_norm: Annotated[float, Field(ge=0, le=10**6)]
    averaging: Annotated[float, Field(ge=0, lt=1)]
    value_bias: Literal["zero", "mean"]
    save_every: Positive
    smoothness: Smoothness

    def number_of_losses(self, tasks: Mapping[str, Any]) -> int:
        """Of a step, where these are all tasks."""
        return len(tasks)


Means = Literal["batch", "leave_one_out", "episode", "epoch", "average", "train"]


class Distances(Block):
    """What prototypical losses of both phases have in common."""

    distance: Literal["euclidean", "squared_euclidean", "cosine"]
    values: Literal["rounded", "between"]
    prior: bool
    scale: Literal["plain", "fitted"]
    scale_lr: Annotated[float, Field(ge=0, le=10)]

    def check_means(self, kind: str) -> None:
        """ValueError for means that values between two classes do not have."""
        if self.values == "between" and kind in ("episode", "epoch"):
            raise ValueError(f"`values: between` has no means of an {kind}; another kind of means does")

    def check_prior(self, sampling: str) -> None:
        """ValueError where batches have as many rows of each class: the prior is of the split, and not of these."""
        if self.prior and sampling == "episodes":
            raise ValueError("`prior` says how frequent classes are; `sampling: episodes` makes them equal; drop one")


class JointPrototypes(Distances):
    """The prototypical loss beside the heads' own."""

    weight: Weight
    kind: Means

    @model_validator(mode="after")
    def means_fit(self) -> Self:
        self.check_means(self.kind)
        return self


Tasks = Annotated[list[Name], Field(min_length=1), AfterValidator(different)]


class Finetune(Heads, Training, extra="forbid"):
    """The second phase: the tasks that have heads, how these begin and are trained, and what their losses weigh."""

    tasks: Literal["all"] | Tasks
    fit: Literal["steps", "lda", "prototypes", "logistic"]
    start: Literal["random", "prototypes", "lda", "logistic"]
    patience: Annotated[int, Field(ge=0, le=10**6)]
    smoothness: Smoothness
    prototypes: JointPrototypes
    weighting: Literal["fixed", "uncertainty", "balanced"]
    weighting_lr: Annotated[float, Field(ge=0, le=10)]
    weights: dict[Name, Weight]
    label_smoothing: Annotated[float, Field(ge=0, lt=1)]

    def number_of_losses(self, tasks: Mapping[str, Any]) -> int:
        return len(tasks) if self.tasks == "all" else len(self.tasks)

    def trained(self, main: Mapping[str, Task]) -> dict[str, Task]:
        """The tasks that have heads and losses, of all main ones."""
        return {name: task for name, task in main.items() if self.tasks == "all" or name in self.tasks}

    @model_validator(mode="after")
    def options_fit_each_other(self) -> Self:
        if self.weighting != "fixed" and self.weights:
            raise ValueError("`weights` belongs to `weighting: fixed`")
        linear = not self.hidden or self.encodings <= {"concat", "both_ways"}
        if self.start != "random" and (self.fit != "steps" or "joint" in self.encodings or not linear):
            raise ValueError(
                f"`start: {self.start}` needs `fit: steps` and one linear layer: `hidden: false`, no joint pairs"
            )
        if self.start != "random" and self.smoothness.spectral:
            raise ValueError(f"`start: {self.start}` and r4f both set the heads' weights; choose one")
        if self.prototypes.weight:
            self.prototypes.check_prior(self.sampling)
        if self.weighting_lr and self.weighting != "uncertainty":
            raise ValueError("`weighting_lr` belongs to `weighting: uncertainty`")
        if self.frozen and (self.smoothness.weight or self.prototypes.weight):
            raise ValueError("`smoothness` and `prototypes` train the encoder: `frozen: false`")
        if self.fit != "steps" and not (self.frozen and not self.hidden and "joint" not in self.encodings):
            raise ValueError(
                f"`fit: {self.fit}` fits one linear layer: `frozen: true`, `hidden: false`, no joint pairs"
            )
        return self
