"""What params.yaml says of Figure 1."""

from typing import Annotated

from pydantic import Field

from protomtl.core.settings import Block, Name, Seed

Rows = Annotated[int, Field(ge=4, le=10**6)]


class Embed(Block):
    method: Name
    samples: Rows
    perplexity: Annotated[float, Field(gt=0, le=10**4)]
    probe_samples: Rows
    seed: Seed
