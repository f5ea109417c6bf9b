"""params.yaml, checked once: unknown keys, wrong types and impossible values are errors that name their path."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

PARAMS = Path("params.yaml")
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


class Smoothness(Block):
    """Keeping outputs where they are when the input is moved a little."""

    kind: Literal["r3f", "r4f", "smart"]
    weight: Annotated[float, Field(ge=0)]
    radius: Annotated[float, Field(gt=0)]


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
        return self


class Finetune(Training):
    head_lr: Annotated[float, Field(gt=0)]
    prototypes: Annotated[float, Field(ge=0)]
    frozen: bool
    pair_encoding: Literal["separate", "concat", "both_ways"]
    combine: Literal["mult", "add", "concat"]
    hidden: bool
    share_hidden: bool
    similarity: Literal["head", "cosine"]
    weighting: Literal["fixed", "uncertainty"]
    weights: dict[Name, Annotated[float, Field(ge=0)]]
    label_smoothing: Annotated[float, Field(ge=0, lt=1)]

    @model_validator(mode="after")
    def heads_exist(self) -> Self:
        if self.pair_encoding != "separate" and self.similarity == "cosine":
            raise ValueError("`similarity: cosine` needs two embeddings: `pair_encoding: separate`")
        if self.share_hidden and not self.hidden:
            raise ValueError("`share_hidden` needs `hidden: true`")
        if self.weighting == "uncertainty" and self.weights:
            raise ValueError("`weights` belongs to `weighting: fixed`")
        if self.frozen and (self.smoothness.weight or self.prototypes):
            raise ValueError("`smoothness` and `prototypes` train the encoder: `frozen: false`")
        return self


class Embed(Block):
    method: Name
    samples: Annotated[int, Field(ge=4)]
    perplexity: Annotated[float, Field(gt=0)]
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
    method: dict[Name, Method]


def read_yaml(path: Path, kind: Literal["safe", "rt"] = "safe") -> dict[str, Any]:
    """Read YAML 1.2 (as DVC does, so that 1e-5 is a number); `rt`, round trip, keeps comments and style."""
    try:
        return dict(YAML(typ=kind).load(path) or {})
    except FileNotFoundError:
        raise SystemExit(f"{path}: no such file; run from the root of the project") from None
    except (YAMLError, ValueError, TypeError) as error:
        raise SystemExit(f"{path}: not valid YAML: {error}") from None


def section(path: Path, name: str, kind: Any) -> Any:
    """One top-level section of params.yaml, checked against its declared type."""
    content = read_yaml(path)
    if name not in content:
        raise SystemExit(f"{path}: {name}: this section is missing")
    return checked(f"{path}: {name}", kind, content[name])


def checked(where: str, kind: Any, value: Any) -> Any:
    """Validate `value` as `kind`; an error lists each key that is wrong, with its path."""
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        lines = [f"{'.'.join([where, *map(str, e['loc'])])}: {e['msg']}" for e in error.errors()]
        raise SystemExit("\n".join(lines)) from None


def main_tasks(tasks: Mapping[str, Task]) -> dict[str, Task]:
    """The tasks that are fine-tuned, evaluated and shown: all but the auxiliary ones. SystemExit if there is none."""
    main = {name: task for name, task in tasks.items() if not task.auxiliary}
    if not main:
        raise SystemExit(f"{PARAMS}: tasks: all are auxiliary; at least one must be a main task")
    return main


def merged(base: dict[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`over` laid deep over `base`: mappings are merged key by key, everything else is replaced."""
    deep = {k: merged(base[k], v) for k, v in over.items() if isinstance(v, Mapping) and isinstance(base.get(k), dict)}
    return {**base, **over, **deep}


def recipe(base: Pretrain, method: str, overrides: Literal[False] | Mapping[str, Any]) -> Pretrain | None:
    """The pre-training of a method: base settings under its overrides; None when it has none."""
    if overrides is False:
        return None
    value = merged(base.model_dump(), overrides)
    settings: Pretrain = checked(f"{PARAMS}: method.{method}.pretrain", Pretrain, value)
    return settings


def finetuning(base: Finetune, method: str, overrides: Mapping[str, Any]) -> Finetune:
    """The fine-tuning of a method: base settings under its overrides."""
    value = merged(base.model_dump(), overrides)
    settings: Finetune = checked(f"{PARAMS}: method.{method}.finetune", Finetune, value)
    return settings


def phase(path: Path, name: str, method: str) -> Pretrain | Finetune | None:
    """The settings of one phase (`pretrain` or `finetune`) of one method; no other block is looked at."""
    block = section(path, "method", dict[str, Any]).get(method)
    if not isinstance(block, dict) or name not in block:
        raise SystemExit(f"{path}: method.{method}.{name}: missing")
    if name == "pretrain":
        return recipe(section(path, name, Pretrain), method, block[name])
    return finetuning(section(path, name, Finetune), method, block[name])


def check_blocks(where: str, names: Iterable[str], blocks: Mapping[str, Any]) -> None:
    """Each name of a list in params.yaml must be that of a block under `method`."""
    for name in names:
        if name not in blocks:
            raise SystemExit(f"{where}: {name}: there is no block method.{name}")


def load(path: Path = PARAMS) -> Params:
    """All of params.yaml, with every method's settings checked too."""
    params: Params = checked(str(path), Params, read_yaml(path))
    check_blocks(f"{path}: methods", (*params.methods, params.embed.method), params.method)
    check_blocks(f"{path}: compare", params.compare, params.method)
    if params.embed.method not in params.methods:
        raise SystemExit(f"{path}: embed.method: {params.embed.method} is not among `methods`")
    if params.embed.seed not in params.seeds:
        raise SystemExit(f"{path}: embed.seed: {params.embed.seed} is not among `seeds`")
    main = main_tasks(params.tasks)
    for name, block in params.method.items():
        recipe(params.pretrain, name, block.pretrain)
        settings = finetuning(params.finetune, name, block.finetune)
        if unknown := set(settings.weights) - set(main):
            raise SystemExit(f"{path}: method.{name}.finetune.weights: no such main task: {sorted(unknown)}")
    return params
