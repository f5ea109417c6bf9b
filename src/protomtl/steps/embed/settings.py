"""What params.yaml says of Figure 1."""

from typing import Annotated

from pydantic import Field

from protomtl.core.settings import Block, Name


class Embed(Block):
    method: Name
    samples: Annotated[int, Field(ge=4)]
    perplexity: Annotated[float, Field(gt=0)]
    probe_samples: Annotated[int, Field(ge=4)]
    seed: int
