"""What params.yaml says of the texts under stress."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from protomtl.core.settings import Block, Count, Name, Seed, different

Kind = Literal["noise", "meaning", "shift"]
Subject = Literal["opinion", "meaning"]
Share = Annotated[float, Field(ge=0.01, le=1)]


class Perturb(Block):
    """rows: that a run reads at most, of all tasks and stresses, 0 for all; noise: shares of the words; about: what a
    task's label says, whether a text is an opinion in favour, or whether two texts mean the same."""

    rows: Count
    splits: Annotated[list[Literal["dev", "test"]], Field(min_length=1), AfterValidator(different)]
    kinds: Annotated[list[Kind], Field(min_length=1), AfterValidator(different)]
    noise: Annotated[list[Share], Field(min_length=1), AfterValidator(different)]
    about: dict[Name, Subject]
    seed: Seed
