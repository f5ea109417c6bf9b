"""What blocks of params.yaml may hold, as far as several rooms read them; what one room reads stands in that room."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

SPLITS = ("train", "dev", "test")

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+$")]
Positive = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]  # what every generator takes
Fraction = Annotated[float, Field(ge=0, le=1)]


def different(values: list[Any]) -> list[Any]:
    """The values, if none is there twice."""
    if twice := [value for value in dict.fromkeys(values) if values.count(value) > 1]:
        raise ValueError(f"{twice[0]} is there twice; name it once")
    return values


class Block(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Data(Block):
    source: Literal["starter", "cs224n", "folder"]
    mirror: str
    folder: str
    on_bad_row: Literal["error", "drop"]
    split_seed: Seed
    max_train_rows: Annotated[int, Field(ge=0)]


class Backbone(Block):
    name: str
    revision: str
    pooling: Literal["mean", "cls", "pooler"]


class Method(Block):
    """One row of the table: overrides of the base settings of the two phases."""

    label: str
    source: str
    pretrain: Literal[False] | dict[str, Any]
    finetune: dict[str, Any]
