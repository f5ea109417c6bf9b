"""Torch's own draws by (seed, purpose)."""

import torch

from protomtl.seeds import number


def seed_torch(seed: int, *purpose: str | int) -> None:
    """Set torch's global generator, which dropout and initialisation use, for one purpose (such as one step)."""
    torch.manual_seed(number(seed, *purpose))
