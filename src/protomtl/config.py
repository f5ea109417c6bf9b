"""params.yaml, checked once: unknown keys, wrong types and impossible values are errors that name their path."""

from collections.abc import Mapping
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
    """A task: what its labels are, and where texts and labels stand in its files."""

    kind: Literal["classification", "binary", "regression"]
    texts: Annotated[list[str], Field(min_length=1, max_length=2)]
    label: str
    files: Files
    classes: Annotated[int, Field(ge=2)] | None = None
    range: tuple[float, float] | None = None

    @model_validator(mode="after")
    def labels_are_defined(self) -> Self:
        if (self.kind == "classification") != (self.classes is not None):
            raise ValueError("`classes` belongs to kind classification, and only there")
        if (self.kind == "regression") != (self.range is not None):
            raise ValueError("`range` belongs to kind regression, and only there")
        if self.range is not None and self.range[0] >= self.range[1]:
            raise ValueError("`range` must be [smallest, largest]")
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


class Training(Block):
    """What both phases share: budget, sampling and optimiser."""

    epochs: Positive
    steps_per_epoch: Annotated[int, Field(ge=0)]
    batch_size: Positive
    sampling: Literal["longest", "zip"]
    lr: Annotated[float, Field(gt=0)]
    schedule: Literal["linear", "constant"]
    warmup: Fraction
    weight_decay: Annotated[float, Field(ge=0)]
    clip_norm: Annotated[float, Field(ge=0)]
    save_every: Positive


class Pretrain(Training):
    pair_encoding: Literal["concat", "sum"]
    distance: Literal["euclidean", "squared_euclidean"]


class Finetune(Training):
    head_lr: Annotated[float, Field(gt=0)]
    frozen: bool
    pair_encoding: Literal["separate", "concat"]
    combine: Literal["mult", "add", "concat"]
    hidden: bool
    share_hidden: bool
    similarity: Literal["head", "cosine"]
    weights: dict[Name, Annotated[float, Field(ge=0)]]

    @model_validator(mode="after")
    def heads_exist(self) -> Self:
        if self.pair_encoding == "concat" and self.similarity == "cosine":
            raise ValueError("`similarity: cosine` needs two embeddings: `pair_encoding: separate`")
        if self.share_hidden and not self.hidden:
            raise ValueError("`share_hidden` needs `hidden: true`")
        return self


class Embed(Block):
    method: Name
    samples: Annotated[int, Field(ge=4)]
    perplexity: Annotated[float, Field(gt=0)]
    probe_samples: Annotated[int, Field(ge=4)]
    seed: int


class Method(Block):
    """One row of the table: overrides of the base settings of the two phases."""

    label: str
    source: str
    pretrain: Literal[False] | dict[str, Any]
    finetune: dict[str, Any]


class Params(Block):
    """All of params.yaml. `methods` may only name blocks that exist, and every block must be sound."""

    seeds: Annotated[list[int], Field(min_length=1)]
    methods: Annotated[list[Name], Field(min_length=1)]
    data: Data
    tasks: Annotated[dict[Name, Task], Field(min_length=1)]
    backbone: Backbone
    tokens: Tokens
    compute: Compute
    pretrain: Pretrain
    finetune: Finetune
    embed: Embed
    method: dict[Name, Method]


def read_yaml(path: Path) -> dict[str, Any]:
    """Read YAML 1.2 (as DVC does, so that 1e-5 is a number)."""
    try:
        return dict(YAML(typ="safe").load(path) or {})
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


def load(path: Path = PARAMS) -> Params:
    """All of params.yaml, with every method's settings checked too."""
    params: Params = checked(str(path), Params, read_yaml(path))
    for name in (*params.methods, params.embed.method):
        if name not in params.method:
            raise SystemExit(f"{path}: methods: {name}: there is no block method.{name}")
    if params.embed.method not in params.methods:
        raise SystemExit(f"{path}: embed.method: {params.embed.method} is not among `methods`")
    if params.embed.seed not in params.seeds:
        raise SystemExit(f"{path}: embed.seed: {params.embed.seed} is not among `seeds`")
    for name, block in params.method.items():
        recipe(params.pretrain, name, block.pretrain)
        settings = finetuning(params.finetune, name, block.finetune)
        if unknown := set(settings.weights) - set(params.tasks):
            raise SystemExit(f"{path}: method.{name}.finetune.weights: no such task: {sorted(unknown)}")
    return params
