"""Torch's own draws by (seed, purpose)."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from protomtl.seeds import number


def seed_torch(seed: int, *purpose: str | int) -> None:
    """Set torch's global generator, which dropout and initialisation use, for one purpose (such as one step)."""
    torch.manual_seed(number(seed, *purpose))


@contextmanager
def seeded(seed: int, *purpose: str | int) -> Iterator[None]:
    """Inside, draws on the CPU are those of a purpose; after it, they go on as if it had not been."""
    with untouched():
        torch.default_generator.manual_seed(number(seed, *purpose))
        yield


@contextmanager
def untouched() -> Iterator[None]:
    """After it, draws on the CPU go on as if it had not been."""
    before = torch.get_rng_state()
    try:
        yield
    finally:
        torch.set_rng_state(before)
