"""What params.yaml may hold: a type for each of its blocks."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

SPLITS = ("train", "dev", "test")

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+$")]
Positive = Annotated[int, Field(ge=1)]
Fraction = Annotated[float, Field(ge=0, le=1)]


class Block(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Data(Block):
    source: Literal["starter", "cs224n", "folder"]
    mirror: str
    folder: str
    on_bad_row: Literal["error", "drop"]
    split_seed: int
    max_train_rows: Annotated[int, Field(ge=0)]


class Files(Block):
    train: str
    dev: str
    test: str


class Task(Block):
    """A task: what its labels are, where texts and labels stand in its files, and whether only pre-training uses it."""

    kind: Literal["classification", "binary", "regression"]
    texts: Annotated[list[str], Field(min_length=1, max_length=2)]
    label: str
    files: Files
    classes: Annotated[int, Field(ge=2)] | None = None
    range: tuple[float, float] | None = None
    ordered: bool = False
    auxiliary: bool = False

    @model_validator(mode="after")
    def labels_are_defined(self) -> Self:
        if (self.kind == "classification") != (self.classes is not None):
            raise ValueError("`classes` belongs to kind classification, and only there")
        if (self.kind == "regression") != (self.range is not None):
            raise ValueError("`range` belongs to kind regression, and only there")
        if self.range is not None and self.range[0] >= self.range[1]:
            raise ValueError("`range` must be [smallest, largest]")
        if self.ordered and self.kind != "classification":
            raise ValueError("`ordered` belongs to kind classification, and only there")
        return self

    @property
    def pair(self) -> bool:
        return len(self.texts) == 2

    @property
    def bounds(self) -> tuple[float, float]:
        """Smallest and largest label."""
        if self.range is not None:
            return self.range
        return 0.0, (self.classes or 2) - 1.0


class Backbone(Block):
    name: str
    revision: str
    pooling: Literal["mean", "cls", "pooler"]


class Tokens(Block):
    max_length: Annotated[int, Field(ge=8)]


class Compute(Block):
    device: Literal["auto", "cpu", "cuda"]
    precision: Literal["auto", "bf16", "fp32"]
    threads: Positive
    processes: Positive


class Smoothness(Block):
    """Keeping outputs where they are when the input is moved a little."""

    kind: Literal["r3f", "r4f", "smart"]
    weight: Annotated[float, Field(ge=0)]
    radius: Annotated[float, Field(gt=0)]

    @property
    def spectral(self) -> bool:
        """Whether the heads are normalised, too."""
        return self.kind == "r4f" and self.weight > 0


class Training(Block):
    """What both phases share: budget, sampling and optimiser."""

    epochs: Positive
    steps_per_epoch: Annotated[int, Field(ge=0)]
    batch_size: Positive
    sampling: Literal["longest", "zip", "proportional", "sqrt", "annealed"]
    gradients: Literal["sum", "pcgrad"]
    lr: Annotated[float, Field(gt=0)]
    layer_decay: Annotated[float, Field(gt=0, le=1)]
    schedule: Literal["linear", "constant"]
    warmup: Fraction
    weight_decay: Annotated[float, Field(ge=0)]
    clip_norm: Annotated[float, Field(ge=0)]
    averaging: Annotated[float, Field(ge=0, lt=1)]
    save_every: Positive
    smoothness: Smoothness


class Pretrain(Training):
    objective: Literal["prototypical", "softmax", "muppet", "mlm"]
    auxiliary: bool
    pair_encoding: Literal["concat", "sum"]
    distance: Literal["euclidean", "squared_euclidean", "cosine"]
    prototypes: Literal["batch", "leave_one_out", "episode", "epoch"]
    shuffled_labels: bool
    head_lr: Annotated[float, Field(gt=0)]

    @model_validator(mode="after")
    def objective_has_what_it_needs(self) -> Self:
        if self.objective != "muppet" and self.smoothness.weight:
            raise ValueError("`smoothness` belongs to `objective: muppet`")
        if self.objective == "mlm" and self.shuffled_labels:
            raise ValueError("`objective: mlm` has no labels to shuffle")
        return self


PairEncoding = Literal["separate", "concat", "both_ways", "joint"]


class Finetune(Training):
    head_lr: Annotated[float, Field(gt=0)]
    prototypes: Annotated[float, Field(ge=0)]
    frozen: bool
    pair_encoding: PairEncoding | dict[Name, PairEncoding]
    combine: Literal["mult", "add", "concat"]
    hidden: bool
    share_hidden: bool
    similarity: Literal["head", "cosine"]
    weighting: Literal["fixed", "uncertainty"]
    weights: dict[Name, Annotated[float, Field(ge=0)]]
    label_smoothing: Annotated[float, Field(ge=0, lt=1)]

    @model_validator(mode="after")
    def heads_exist(self) -> Self:
        if self.similarity == "cosine" and not {"separate", "joint"} & self.encodings:
            raise ValueError("`similarity: cosine` needs an embedding of each text: `pair_encoding: separate` or joint")
        if self.share_hidden and not self.hidden:
            raise ValueError("`share_hidden` needs `hidden: true`")
        if self.weighting == "uncertainty" and self.weights:
            raise ValueError("`weights` belongs to `weighting: fixed`")
        if self.frozen and (self.smoothness.weight or self.prototypes):
            raise ValueError("`smoothness` and `prototypes` train the encoder: `frozen: false`")
        return self

    @property
    def encodings(self) -> set[PairEncoding]:
        """All that the tasks of pairs use."""
        return set(self.pair_encoding.values()) if isinstance(self.pair_encoding, dict) else {self.pair_encoding}

    def encoding_of(self, task: str) -> PairEncoding:
        """How pairs of a task are encoded."""
        return self.pair_encoding[task] if isinstance(self.pair_encoding, dict) else self.pair_encoding


class Embed(Block):
    method: Name
    samples: Annotated[int, Field(ge=4)]
    perplexity: Annotated[float, Field(gt=0)]
    probe_samples: Annotated[int, Field(ge=4)]
    seed: int


class Export(Block):
    method: Name
    seed: int


class Method(Block):
    """One row of the table: overrides of the base settings of the two phases."""

    label: str
    source: str
    pretrain: Literal[False] | dict[str, Any]
    finetune: dict[str, Any]


class Params(Block):
    """All of params.yaml. `methods` and `compare` may only name blocks that exist, and every block must be sound."""

    seeds: Annotated[list[int], Field(min_length=1)]
    methods: Annotated[list[Name], Field(min_length=1)]
    compare: list[Name]  # need not be among `methods`, so that a run of a few methods changes nothing else
    data: Data
    tasks: Annotated[dict[Name, Task], Field(min_length=1)]
    backbone: Backbone
    tokens: Tokens
    compute: Compute
    pretrain: Pretrain
    finetune: Finetune
    embed: Embed
    export: Export
    method: dict[Name, Method]
