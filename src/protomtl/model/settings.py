"""What params.yaml says of the model: where it computes, and which heads its tasks have."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from protomtl.core.settings import Block, Count, Name

Workers = Annotated[int, Field(ge=1, le=1024)]
Weight = Annotated[float, Field(ge=0, le=10**4)]  # of one loss beside others


class Compute(Block):
    device: Literal["auto", "cpu", "cuda"]
    precision: Literal["auto", "bf16", "fp32"]
    threads: Workers
    processes: Workers
    # Records of earlier versions have neither.
    micro_batch: Count = 0
    compile: bool = False


class Normalised(Block, extra="ignore"):
    """The part of `smoothness` that shapes the heads: R4F normalises them."""

    kind: Literal["r3f", "r4f", "smart"]
    weight: Weight

    @property
    def spectral(self) -> bool:
        """Whether the heads are normalised, too."""
        return self.kind == "r4f" and self.weight > 0


PairEncoding = Literal["separate", "concat", "both_ways", "joint"]


class Heads(Block, extra="ignore"):
    """The settings of fine-tuning that shape the model; a saved run's others are no concern of who loads it."""

    frozen: bool
    pair_encoding: PairEncoding | dict[Name, PairEncoding]
    combine: Literal["mult", "add", "concat", "relation"]
    hidden: bool
    share_hidden: bool
    similarity: Literal["head", "cosine", "expected"]
    smoothness: Normalised

    @model_validator(mode="after")
    def heads_exist(self) -> Self:
        if self.similarity == "cosine" and not {"separate", "joint"} & self.encodings:
            raise ValueError("`similarity: cosine` needs an embedding of each text: `pair_encoding: separate` or joint")
        if self.share_hidden and not self.hidden:
            raise ValueError("`share_hidden` needs `hidden: true`")
        return self

    @property
    def encodings(self) -> set[PairEncoding]:
        """All that the tasks of pairs use."""
        return set(self.pair_encoding.values()) if isinstance(self.pair_encoding, dict) else {self.pair_encoding}

    def encoding_of(self, task: str) -> PairEncoding:
        """How pairs of a task are encoded."""
        return self.pair_encoding[task] if isinstance(self.pair_encoding, dict) else self.pair_encoding
