"""Which device computes, and in which precision."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock, local
from typing import Any

import torch
from torch import Tensor

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
    held = os.environ.get("ATEN_CPU_CAPABILITY", "avx512") != "avx512"  # a user keeps torch from what the processor has
    return "bf16" if fast and not held else "fp32"


# Filled in a process that was forked: OpenMP's threads are not in it, and it would wait for them.
FORKED: list[bool] = []
INSIDE: list[int] = []  # an entry for each `threads` that is open; the first is what torch had before any
ENTERING, OWN = [Lock()], local()


def forget_others() -> None:
    """Only the thread that forks goes on in the new process; another one may have held the lock."""
    FORKED.append(True)
    INSIDE.clear()
    ENTERING[:] = [Lock()]


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=forget_others)


def put(values: Tensor, device: torch.device) -> Tensor:
    """Values of the CPU on a device. A GPU copies them while it and the CPU go on."""
    if device.type == "cuda" and values.device.type == "cpu":
        return values.pin_memory().to(device, non_blocking=True)  # torch keeps that memory until the copy is done
    return values.to(device)


def settle_gpu() -> None:
    """Let a GPU compute the same bytes each time. To be called before its first use in the process."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # else torch refuses products, since cuBLAS may differ
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # nothing here reads any
    torch.backends.cuda.enable_cudnn_sdp(False)  # it makes a plan for each new shape: 40 % of a step's processor time


@contextmanager
def enough_memory(purpose: str) -> Iterator[None]:
    """Inside, a step that does not fit into memory ends with one line, which names what to do."""
    try:
        yield
    except RuntimeError as error:
        if not isinstance(error, torch.OutOfMemoryError) and "DefaultCPUAllocator" not in str(error):
            raise
        raise SystemExit(
            f"{purpose}: a step does not fit into memory; set compute.micro_batch in params.yaml, to 64 or to half of "
            "what it is: so many sequences are then held at a time"
        ) from None


def processor(device: torch.device) -> list[Any]:
    """What decides the last bits of a result beside the precision: which of its kernels a library takes."""
    if device.type == "cuda":
        return [torch.cuda.get_device_name(device)]
    faster = (torch.cpu._is_amx_tile_supported(), torch.cpu._is_avx512_bf16_supported())
    return [torch.backends.cpu.get_cpu_capability(), *faster]


@contextmanager
def threads(number: int) -> Iterator[None]:
    """Inside, torch computes with so many threads, after a fork with one; after it, with as many as before.

    A thread of the program that comes while another one is inside finds the number of that one. It leaves what the
    first of them found: else the number inside would stay for good.
    """
    nested, found = getattr(OWN, "inside", 0), torch.get_num_threads()
    with ENTERING[0]:
        before = found if nested or not INSIDE else INSIDE[0]
        INSIDE.append(before)
        torch.set_num_threads(1 if FORKED else number)
    OWN.inside = nested + 1
    try:
        yield
    finally:
        OWN.inside = nested
        with ENTERING[0]:
            del INSIDE[-1:]  # a process that was forked inside has none
            torch.set_num_threads(before)


def is_intel(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether Linux says that this processor is Intel's; False where it says nothing."""
    return cpuinfo.exists() and "GenuineIntel" in cpuinfo.read_text()
