"""What params.yaml says of training: the budget and the optimiser of both phases, and the second phase's own part."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from protomtl.core.settings import Block, Fraction, Name, Positive
from protomtl.model.settings import Heads, Normalised


class Smoothness(Normalised, extra="forbid"):
    """Keeping outputs where they are when the input is moved a little."""

    radius: Annotated[float, Field(gt=0)]


class Training(Block):
    """What both phases share: budget, sampling and optimiser."""

    epochs: Positive
    steps_per_epoch: Annotated[int, Field(ge=0)]
    batch_size: Positive
    sampling: Literal["longest", "zip", "proportional", "sqrt", "annealed"]
    gradients: Literal["sum", "pcgrad"]
    lr: Annotated[float, Field(gt=0)]
    head_lr: Annotated[float, Field(gt=0)]
    layer_decay: Annotated[float, Field(gt=0, le=1)]
    schedule: Literal["linear", "constant"]
    warmup: Fraction
    weight_decay: Annotated[float, Field(ge=0)]
    clip_norm: Annotated[float, Field(ge=0)]
    averaging: Annotated[float, Field(ge=0, lt=1)]
    save_every: Positive
    smoothness: Smoothness


class Finetune(Heads, Training, extra="forbid"):
    smoothness: Smoothness
    prototypes: Annotated[float, Field(ge=0)]
    weighting: Literal["fixed", "uncertainty"]
    weights: dict[Name, Annotated[float, Field(ge=0)]]
    label_smoothing: Annotated[float, Field(ge=0, lt=1)]

    @model_validator(mode="after")
    def options_fit_each_other(self) -> Self:
        if self.weighting == "uncertainty" and self.weights:
            raise ValueError("`weights` belongs to `weighting: fixed`")
        if self.frozen and (self.smoothness.weight or self.prototypes):
            raise ValueError("`smoothness` and `prototypes` train the encoder: `frozen: false`")
        return self
