"""Memory for the many large tensors of a step, whose sizes differ from step to step.

Left to malloc, they fragment the heap until a process holds several times what it needs. They also go back to the
system when they are freed, so that the next step has to fault every page in anew.
"""

import ctypes
import math
import os

import torch
from torch import Tensor

BLOCK = 32 << 20  # bytes
ALIGN = 64  # bytes of a cache line
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of glibc's mallopt


class Arena:
    """Tensors that are freed together, when the arena is: they must not be used after that.

    Their memory comes from blocks of one size, which go back to a pool for the next arena.
    """

    pool: list[Tensor] = []  # noqa: RUF012  # shared on purpose

    def __init__(self) -> None:
        self.blocks: list[Tensor] = []
        self.used = BLOCK

    def __call__(self, *shape: int, dtype: torch.dtype) -> Tensor:
        """An uninitialised tensor on the CPU."""
        size = math.prod(shape) * dtype.itemsize
        if size > BLOCK:
            return torch.empty(shape, dtype=dtype)
        if self.used + size > BLOCK:
            try:
                self.blocks.append(Arena.pool.pop())
            except IndexError:  # not asked before: another thread may take the last one
                self.blocks.append(torch.empty(BLOCK, dtype=torch.uint8))
            self.used = 0
        tensor = self.blocks[-1][self.used : self.used + size].view(dtype).view(shape)
        self.used += -(-size // ALIGN) * ALIGN
        # `.data` gives the slice its own version counter; otherwise autograd sees writes to other slices of the block
        # as changes of this one.
        return tensor.data

    def __del__(self) -> None:
        Arena.pool += self.blocks


def settle() -> None:
    """Let the process keep the memory that it frees, and bound what oneDNN keeps for each shape that it has seen.

    To be called before the first multiplication. Other C libraries than glibc are left as they are.
    """
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "256")  # of half a megabyte each; 1024 without this
    if os.name != "posix":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
