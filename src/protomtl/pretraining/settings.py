"""What params.yaml says of the first phase."""

from typing import Literal, Self

from pydantic import model_validator

from protomtl.training.settings import Training


class Pretrain(Training):
    objective: Literal["prototypical", "softmax", "muppet", "mlm"]
    auxiliary: bool
    pair_encoding: Literal["concat", "sum"]
    distance: Literal["euclidean", "squared_euclidean", "cosine"]
    prototypes: Literal["batch", "leave_one_out", "episode", "epoch"]
    shuffled_labels: bool

    @model_validator(mode="after")
    def objective_has_what_it_needs(self) -> Self:
        if self.objective != "muppet" and self.smoothness.weight:
            raise ValueError("`smoothness` belongs to `objective: muppet`")
        if self.objective == "mlm" and self.shuffled_labels:
            raise ValueError("`objective: mlm` has no labels to shuffle")
        return self
