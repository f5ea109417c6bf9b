"""Dropout masks at a fraction of the cost of torch's: `bernoulli_` takes a seventh of a training step on a CPU."""

import math

import numpy as np
import torch
from torch import Tensor

from protomtl.model.packed.memory import Arena


class Dropout:
    """Masks for one forward pass, drawn from torch's generator, which the training loop seeds for each step."""

    def __init__(self, p: float) -> None:
        self.scale = 1 / (1 - p)
        self.least = round(p * 2**16) - 2**15  # an int16 below it is dropped: p to within 2^-17
        self.bits = np.random.SFC64(int(torch.randint(2**62, ()).item()))

    def keep(self, arena: Arena, *shape: int, dtype: torch.dtype) -> Tensor:
        """1 with probability 1 - p, else 0. What is kept is to be multiplied by `scale`, here or in a weight."""
        size = math.prod(shape)
        drawn = self.bits.random_raw(-(-size // 4)).view(np.int16)[:size]
        return torch.ge(torch.from_numpy(drawn).view(shape), self.least, out=arena(*shape, dtype=dtype))
