"""Products of many rows with one weight, which oneDNN lays out for its kernel once instead of for each block of rows.

In bf16 they are the bits of `torch.addmm`. In float32 that is MKL's, which differs in the last ones.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

ROWS = 1024  # tokens that go through a layer's linear maps at a time: larger intermediates leave the cache
LEAST = 4  # blocks from which on to lay a weight out pays, most of all one that is turned for the backward pass
Linear = Callable[[Tensor], Tensor]
# torch's own compiler emits these two; a build for another processor may be without them.
HAS_ONEDNN = torch._C._has_mkldnn and hasattr(torch.ops.mkldnn, "_linear_pointwise")


def linear(weight: Tensor, bias: Tensor | None, rows: int) -> Linear:
    """x [n, in] -> x weightᵀ + bias [n, out], without a graph. The weight [out, in] must stay.

    rows: how many rows it will be given in all; to lay a weight out for a few takes longer than to multiply by it.
    """
    if rows < LEAST * ROWS or not lays_out(weight.dtype):
        return lambda x: functional.linear(x, weight, bias)
    laid_out = torch.ops.mkldnn._reorder_linear_weight(weight, ROWS)
    return lambda x: torch.ops.mkldnn._linear_pointwise(x, laid_out, bias, "none", [], "")


def lays_out(dtype: torch.dtype) -> bool:
    """Whether oneDNN does so here. Of bf16 it needs AVX-512; torch's own products do without, many times slower."""
    return HAS_ONEDNN and (dtype == torch.float32 or torch.ops.mkldnn._is_mkldnn_bf16_supported())
