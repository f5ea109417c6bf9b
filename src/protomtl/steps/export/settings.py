"""What params.yaml says of the exported model."""

from protomtl.core.settings import Block, Name, Seed


class Export(Block):
    method: Name
    seed: Seed
