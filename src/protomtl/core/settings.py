"""What blocks of params.yaml may hold, as far as several rooms read them; what one room reads stands in that room."""

import difflib
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

HELD_OUT = ("dev", "test")
SPLITS = ("train", *HELD_OUT)
MOST_NAMED = 12
NAME = r"^[A-Za-z0-9_]{1,64}$"
UNNAMED = {"Cc", "Cs", "Zl", "Zp"}  # kinds of characters that are in no path: control, half ones, line ends


def safe(name: str) -> str:
    """A name that can be part of a path, a stage, a command, a column and a module's attribute."""
    if not re.fullmatch(NAME[1:-1], name):
        raise ValueError("a name is 1 to 64 letters, digits and _ (a-z, A-Z, 0-9), since paths and commands hold it")
    return name


def different(values: list[Any]) -> list[Any]:
    """The values, if none is there twice."""
    if twice := [value for value in dict.fromkeys(values) if values.count(value) > 1]:
        raise ValueError(f"{twice[0]} is there twice; name it once")
    return values


def distinct(names: Any) -> Any:
    """The names, if all differ, and not by case alone: disks of macOS take the folders `A` and `a` for one."""
    found: dict[str, str] = {}
    for name in different([*names]):
        if (other := found.setdefault(name.casefold(), name)) != name:
            raise ValueError(f"{other} and {name} differ by case alone, and on some disks by nothing; rename one")
    return names


def followed(folder: str) -> str:
    """A folder that DVC finds, too: for it `~` is a name like any other. One line, so that no file system objects."""
    if any(unicodedata.category(character) in UNNAMED for character in folder):
        raise ValueError("a folder's name is one line of text, without control characters")
    if folder.startswith("~"):
        raise ValueError("~ is a home to a shell, but not to DVC, which follows this folder; write the whole path")
    return folder


def instead(word: str, known: Iterable[str]) -> str:
    """The end of a message about a word that is not known: the nearest one that is, or what there is."""
    near = difflib.get_close_matches(word, names := list(known), 1)
    more = ", …" if len(names) > MOST_NAMED else ""
    return f"; did you mean {near[0]}?" if near else f"; there are {', '.join(names[:MOST_NAMED])}{more}"


Name = Annotated[str, AfterValidator(safe), WithJsonSchema({"type": "string", "pattern": NAME})]
Positive = Annotated[int, Field(ge=1, le=10**6)]
Count = Annotated[int, Field(ge=0, le=10**9)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]  # what every generator takes
Text = Annotated[str, Field(min_length=1)]
Folder = Annotated[Text, AfterValidator(followed)]  # a dependency by its name, in dvc.yaml
Fraction = Annotated[float, Field(ge=0, le=1)]


class Block(BaseModel):
    """Values are of the type that YAML gives them: "1" and true are no numbers, 1 is no switch."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def keys_are_known(cls, block: Any) -> Any:
        unknown = set(block) - set(cls.model_fields) if isinstance(block, dict) else ()
        if unknown and cls.model_config["extra"] == "forbid":
            key = next(key for key in block if key in unknown)
            end = instead(str(key), cls.model_fields)
            raise PydanticCustomError("unknown_key", "no such key{end}", {"key": key, "end": end})
        return block


class Worsened(Block):
    """What is done to training rows to see what a method bears: few of them, wrong labels, rare classes.

    rows: that are drawn of each task, 0 for all; wrong_labels: share that gets another label; to: any other class, or
    the next one; imbalance: how many rows the most frequent class has for one of the rarest, 1 for as it is.
    """

    rows: Count
    wrong_labels: Annotated[float, Field(ge=0, le=0.9)]
    to: Literal["any", "next"]
    imbalance: Annotated[int, Field(ge=1, le=1000)]
    seed: Seed

    @property
    def active(self) -> bool:
        return bool(self.rows or self.wrong_labels or self.imbalance > 1)


class Data(Block):
    """Where the rows come from, which of them are left out, and what is done to those of training."""

    source: Literal["starter", "cs224n", "folder", "hub"]
    mirror: str
    elsewhere: bool
    folder: Folder
    on_bad_row: Literal["error", "drop"]
    split_seed: Seed
    max_train_rows: Count
    worsened: Worsened

    @field_validator("elsewhere")
    @classmethod
    def belongs_to_the_source(cls, elsewhere: bool, known: ValidationInfo) -> bool:
        """For another source nothing would be fetched, without a word."""
        source = known.data.get("source", "cs224n")  # a source that is none is told of by itself
        if elsewhere and source != "cs224n":
            raise ValueError(f"belongs to `source: cs224n`, and not to `source: {source}`; write `elsewhere: false`")
        return elsewhere


class Backbone(Block):
    """The encoder that all methods start from, and what becomes of its states."""

    name: Text
    folder: Folder
    revision: str
    pooling: Literal["mean", "cls", "pooler"]

    @field_validator("name")
    @classmethod
    def no_path(cls, name: str) -> str:
        """A folder has a key of its own, which DVC follows, so that other files in it run what depends on them."""
        if name.startswith(("/", ".", "~")) or (Path(name) / "config.json").is_file():
            raise ValueError(f"{name} is a folder; write `name: folder` and `folder: {name}`")
        return name

    @property
    def label(self) -> str:
        """What tells encoders apart in tables: the name, or the folder."""
        return self.folder if self.name == "folder" else self.name


class Method(Block):
    """One row of the table: overrides of the base settings of the two phases."""

    label: str
    source: str
    pretrain: Literal[False] | dict[str, Any]
    finetune: dict[str, Any]


class Joined(Block):
    """One row of the table that is put together: each task's figures are those of the method that trained it."""

    label: str
    source: str
    parts: Annotated[list[Name], Field(min_length=2), AfterValidator(different)]
