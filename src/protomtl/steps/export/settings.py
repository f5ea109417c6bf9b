"""What params.yaml says of the exported model."""

from typing import Annotated

from pydantic import Field

from protomtl.core.settings import Block, Name, Seed

Examples = Annotated[int, Field(ge=0, le=10**4)]


class Export(Block):
    method: Name
    seed: Seed
    examples: Examples = 0
