"""What params.yaml says of the first phase."""

from typing import Literal, Self

from pydantic import model_validator

from protomtl.training.settings import Distances, Means, Training


class Pretrain(Distances, Training):
    """The first phase: the objective that trains the encoder, and what it learns from."""

    objective: Literal["prototypical", "softmax", "tasks", "muppet", "mlm"]
    auxiliary: bool
    pair_encoding: Literal["concat", "sum", "relation"]
    prototypes: Means
    task_token: bool
    shuffled_labels: bool

    @property
    def joins_pairs(self) -> bool:
        """Whether the two texts of a pair are one sequence."""
        return self.pair_encoding == "concat"

    @property
    def relates_pairs(self) -> bool:
        """Whether a pair's vector is what relates its two texts."""
        return self.pair_encoding == "relation"

    @model_validator(mode="after")
    def objective_has_what_it_needs(self) -> Self:
        if self.objective != "muppet" and self.smoothness.weight:
            raise ValueError("`smoothness` belongs to `objective: muppet`")
        if self.objective not in ("prototypical", "softmax") and (self.prior or self.values == "between"):
            raise ValueError("`prior` and `values: between` belong to the objectives prototypical and softmax")
        self.check_means(self.prototypes)
        self.check_prior(self.sampling)
        if self.task_token and (self.objective != "prototypical" or self.prototypes == "train"):
            raise ValueError("`task_token` belongs to `objective: prototypical`, and not to `prototypes: train`")
        if self.objective == "mlm" and self.sampling == "episodes":
            raise ValueError("`sampling: episodes` draws by classes; mlm has none")
        if self.objective == "mlm" and self.relates_pairs:
            raise ValueError("`pair_encoding: relation` is of two vectors; mlm has words")
        if self.objective == "mlm" and self.shuffled_labels:
            raise ValueError("`objective: mlm` has no labels to shuffle")
        return self
