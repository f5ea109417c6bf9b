"""Several processes for one training: each encodes its share of a step's sequences, and all compute the same losses.

The embeddings are gathered, with their gradients, before any head or prototype sees them. So every loss is that of the
whole batch, in every process, whatever the method; only dropout masks differ from those of a single process.
"""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch import distributed as dist

from protomtl.model.seeding import seed_torch

JOINED: list[bool] = []  # not empty inside `join`: a process group of the caller's own is no reason to share work


def run(processes: int, function: Callable[..., None], *args: Any) -> None:
    """Call `function(*args)` in so many processes on this machine, and wait for their end.

    Under the user's own `torchrun`, which may span machines, this process is one of them already.
    """
    if (started := int(os.environ.get("WORLD_SIZE", "1"))) not in (1, processes):
        raise SystemExit(f"params.yaml: compute.processes: {processes}: but {started} processes were started")
    if processes == 1:
        function(*args)
    elif started == processes:
        join(function, *args)
    else:
        launch(processes, function, *args)


def launch(processes: int, function: Callable[..., None], *args: Any) -> None:
    """If one process dies, the others are ended; if this one dies, so do they."""
    from torch.multiprocessing.spawn import ProcessExitedException, spawn

    with tempfile.TemporaryDirectory() as folder:
        try:
            spawn(member, (processes, folder, function, args), processes)  # type: ignore[no-untyped-call]
        except ProcessExitedException as error:
            raise SystemExit(f"one of {processes} processes ended (code {error.exit_code}), and so all") from None


def member(number: int, processes: int, folder: str, function: Callable[..., None], args: tuple[Any, ...]) -> None:
    """Process `number` of those that `launch` starts; they find each other by a file in `folder`."""
    os.environ["LOCAL_RANK"] = str(number)
    try:
        join(function, *args, init_method=f"file://{folder}/meeting", rank=number, world_size=processes)
    except RuntimeError as error:
        if "gloo" not in str(error):
            raise
        sys.exit(1)  # the connection broke: another process has ended, and has said why


def join(function: Callable[..., None], *args: Any, **group: Any) -> None:
    """Be one of the processes; `group` says which, or the environment that torchrun sets."""
    if torch.cuda.is_available():
        torch.cuda.set_device(local_rank() % torch.cuda.device_count())  # device.device_of wants one for each
    dist.init_process_group(**group)  # gloo for tensors on a CPU, NCCL for those on a GPU
    JOINED.append(True)
    try:
        function(*args)
        dist.barrier()  # nobody leaves while another may still wait for it
    finally:
        JOINED.pop()
        dist.destroy_process_group()


def local_rank() -> int:
    """The number of this process on its machine, from 0."""
    return int(os.environ.get("LOCAL_RANK", "0"))


def place() -> tuple[int, int]:
    """(number of this process from 0, number of processes) of those that share the work; alone outside `join`."""
    return (dist.get_rank(), dist.get_world_size()) if JOINED else (0, 1)


def is_main() -> bool:
    """Whether this process is the one that writes files and reports."""
    return place()[0] == 0


def wait() -> None:
    """Until all processes are here."""
    if JOINED:
        dist.barrier()


def shares(lengths: np.ndarray) -> list[np.ndarray]:
    """The sequences of each process, from the shortest to the longest: dealt out one by one, so that all work alike."""
    order, processes = np.argsort(lengths, kind="stable"), place()[1]
    return [order[process::processes] for process in range(processes)]


def gather(own: Tensor, sizes: Sequence[int]) -> Tensor:
    """[sum of sizes, …] the rows of all processes, one after the other, of which this one has computed `own`."""
    if place()[1] == 1:
        return own
    gathered: Tensor = Gather.apply(own, sizes)  # type: ignore[no-untyped-call]
    return gathered


def total(own: Tensor) -> Tensor:
    """The sum of a number that each process has a part of."""
    return gather(own[None], [1] * place()[1]).sum()


class Gather(torch.autograd.Function):
    """`gather`, with a gradient for the own rows.

    Every process computes the same loss of all rows, and `average` takes the mean of their gradients. What only this
    process's rows contribute is therefore multiplied by the number of processes.
    """

    @staticmethod
    def forward(ctx, own, sizes):  # type: ignore[no-untyped-def]
        ctx.sizes = sizes
        padded = own.new_zeros(max(sizes), *own.shape[1:])
        padded[: len(own)] = own
        parts = [torch.empty_like(padded) for _ in sizes]
        dist.all_gather(parts, padded)
        return torch.cat([part[:size] for part, size in zip(parts, sizes, strict=True)])

    @staticmethod
    def backward(ctx, grad):  # type: ignore[no-untyped-def]
        rank, processes = place()
        return grad.narrow(0, sum(ctx.sizes[:rank]), ctx.sizes[rank]) * processes, None


@torch.no_grad()
def average(gradients: Sequence[Tensor]) -> None:
    """Give each gradient its mean over the processes, in place, in one message."""
    processes = place()[1]
    if processes == 1:
        return
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(flat)
    flat /= processes
    for gradient, mean in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):  # type: ignore[no-untyped-call]
        gradient.copy_(mean.view_as(gradient))


@contextmanager
def own_draws() -> Iterator[None]:
    """Inside, torch draws other numbers in each process (dropout); after it, all go on as if it had not been."""
    rank, processes = place()
    if processes == 1:
        yield
        return
    with torch.random.fork_rng([torch.cuda.current_device()] if torch.cuda.is_available() else []):
        seed_torch(int(torch.randint(2**62, ()).item()), "process", rank)
        yield
