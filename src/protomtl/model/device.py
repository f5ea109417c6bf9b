"""Which device computes, and in which precision."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from protomtl.model import distributed
from protomtl.model.settings import Compute


def device_of(compute: Compute) -> torch.device:
    """The device of `compute.device`; auto takes a GPU if there is one. Each of several processes has its own GPU."""
    if compute.device == "cpu" or (compute.device == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise SystemExit("params.yaml: compute.device: cuda: this machine has no GPU that torch can use")
    number, cards = distributed.local_rank(), torch.cuda.device_count()
    if number >= cards:
        raise SystemExit(f"params.yaml: compute.processes: {number + 1} or more here, but torch sees {cards} GPUs only")
    return torch.device("cuda", number)


def precision_of(compute: Compute, device: torch.device) -> str:
    """bf16 or fp32; auto is bf16 where the hardware multiplies it faster than fp32."""
    if compute.precision != "auto":
        return compute.precision
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    # Intel's cores multiply bf16 fast by AMX only, which virtual machines may hide; else at half fp32's rate.
    fast = torch.cpu._is_amx_tile_supported() or (torch.cpu._is_avx512_bf16_supported() and not is_intel())
    return "bf16" if fast else "fp32"


FORKED: list[
    bool
] = []  # filled in a process that was forked: OpenMP's threads are not in it, and it would wait for them
os.register_at_fork(after_in_child=lambda: FORKED.append(True))


@contextmanager
def threads(number: int) -> Iterator[None]:
    """Inside, torch computes with so many threads, after a fork with one; after it, with as many as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(1 if FORKED else number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def is_intel(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether Linux says that this processor is Intel's; False where it says nothing."""
    return cpuinfo.exists() and "GenuineIntel" in cpuinfo.read_text()
