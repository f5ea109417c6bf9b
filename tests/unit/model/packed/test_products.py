"""A weight that is laid out beforehand: the products are those of the weight as it is."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from protomtl.model.packed import products

SIZES = st.integers(1, 70)
ROUNDING = {torch.float32: 1e-5, torch.bfloat16: 1 / 256}  # of the largest value; bf16 keeps eight bits


@pytest.mark.parametrize("onednn", [True, False])
@pytest.mark.parametrize("dtype", ROUNDING)
@given(SIZES, SIZES, SIZES, st.booleans(), st.booleans(), st.integers(0, 99))
def test_it_is_the_product_in_higher_precision_to_rounding(
    onednn: bool, dtype: torch.dtype, rows: int, inner: int, outer: int, with_bias: bool, turned: bool, seed: int
) -> None:
    made = torch.Generator().manual_seed(seed)
    x, weight = torch.randn(rows, inner, generator=made).to(dtype), torch.randn(outer, inner, generator=made).to(dtype)
    weight = weight.t().contiguous().t() if turned else weight  # as the backward pass has it
    bias = torch.randn(outer, generator=made).to(dtype) if with_bias else None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(products, "HAS_ONEDNN", onednn and products.HAS_ONEDNN)
        multiply = products.linear(weight, bias, products.LEAST * products.ROWS)
        found = [multiply(x), multiply(x[:1])]  # of any number of rows
    expected = x.double() @ weight.double().t() + (0 if bias is None else bias.double())
    for part, truth in zip(found, (expected, expected[:1]), strict=True):
        assert part.dtype == dtype
        largest = max(1, float(truth.abs().max()))
        np.testing.assert_allclose(part.double(), truth, atol=ROUNDING[dtype] * largest, rtol=0)


def test_bf16_is_multiplied_on_a_processor_where_onednn_refuses_it() -> None:
    code = """
import torch
from protomtl.model.packed.products import LEAST, ROWS, linear
x, weight = torch.ones(2, 4, dtype=torch.bfloat16), torch.ones(8, 4, dtype=torch.bfloat16)
print(linear(weight, None, LEAST * ROWS)(x).sum().item())
"""
    environment = {**os.environ, "ONEDNN_MAX_CPU_ISA": "AVX2"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("64.0\n", 0), done.stderr
