"""The softmax of attention: one pass, and the bits of the slow way."""

import pytest
import torch

from protomtl.model.packed.attention import softmax


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize("columns", range(16, 176, 16))
def test_a_softmax_is_that_of_float32_rounded_once(columns: int, dtype: torch.dtype) -> None:
    torch.manual_seed(columns)
    scores = (torch.randn(5, 3, columns, columns) * torch.tensor([0.1, 1.0, 9.0])[:, None, None]).to(dtype)
    scores[1:, ..., columns - 7 :] = -torch.inf  # padding
    found = torch.empty_like(scores)
    softmax(scores, found)
    assert torch.equal(found, scores.float().softmax(-1).to(dtype))
    assert not found[1:, ..., columns - 7 :].any() and found.float().sum(-1).sub(1).abs().max() < 0.02
