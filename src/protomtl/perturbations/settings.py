"""What params.yaml says of the texts under stress."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from protomtl.core.settings import Block, Count, Name, Seed, different

Kind = Literal["noise", "meaning", "shift"]
Subject = Literal["opinion", "meaning"]
Share = Annotated[float, Field(ge=0.01, le=1)]


def in_per_cent(shares: list[float]) -> list[float]:
    """The shares, if each is a whole per cent, by which stresses are named, and no two are the same."""
    for share in shares:
        if abs(100 * share - round(100 * share)) > 1e-9:
            raise ValueError(f"{share}: a stress is named by whole per cent; write {round(share, 2)}")
    return different(shares)


class Perturb(Block):
    """rows: that a run reads at most, of all tasks and stresses, 0 for all; noise: shares of the words; about: what a
    task's label says, whether a text is an opinion in favour, or whether two texts mean the same."""

    rows: Count
    splits: Annotated[list[Literal["dev", "test"]], Field(min_length=1), AfterValidator(different)]
    kinds: Annotated[list[Kind], Field(min_length=1), AfterValidator(different)]
    noise: Annotated[list[Share], Field(min_length=1), AfterValidator(in_per_cent)]
    about: dict[Name, Subject]
    seed: Seed
