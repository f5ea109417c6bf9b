"""The encoder: sorting and chunking change the padding and nothing else."""

from pathlib import Path

import numpy as np
import pytest
import torch

from protomtl.model.encoder import Encoder, embed_batch, embed_table, evaluating
from protomtl.model.sequences import TokenTable
from protomtl.model.settings import Compute

FP32 = Compute(device="cpu", precision="fp32", threads=1, processes=1)


@pytest.fixture
def table(prepared: Path) -> TokenTable:
    return TokenTable.open(Path("data/tokens"), "para", "train")


@pytest.mark.parametrize("pooling", ["mean", "cls", "pooler"])
def test_each_vector_is_that_of_its_sequence_alone(table: TokenTable, pooling: str) -> None:
    encoder = Encoder(Path("data/backbone"), pooling, FP32)
    together = embed_table(encoder, table, False, np.arange(40))
    for row in (0, 17, 39):
        alone = embed_table(encoder, table, False, np.array([row]))
        for side in range(2):
            assert torch.allclose(together[side][row], alone[side][0], atol=1e-5)


def test_vectors_equal_those_of_transformers(table: TokenTable) -> None:
    import pyarrow.parquet as pq
    from transformers import AutoModel, AutoTokenizer

    texts = pq.read_table("data/prepared/para/train.parquet").column("text_a").to_pylist()[:5]
    batch = AutoTokenizer.from_pretrained("data/backbone")(texts, padding=True, return_tensors="pt")
    with torch.no_grad():
        hidden = AutoModel.from_pretrained("data/backbone").eval()(**batch).last_hidden_state
    mask = batch["attention_mask"][..., None]
    expected = {"mean": (hidden * mask).sum(1) / mask.sum(1), "cls": hidden[:, 0]}
    for pooling, vectors in expected.items():
        ours = embed_table(Encoder(Path("data/backbone"), pooling, FP32), table, False, np.arange(5))[0]
        assert torch.allclose(ours, vectors, atol=1e-5)


def test_all_tasks_of_a_step_are_embedded_together(table: TokenTable) -> None:
    encoder = Encoder(Path("data/backbone"), "mean", FP32).eval()
    rows = np.array([3, 1, 2])
    both = embed_batch(encoder, {"x": table.sequences_of(rows, False), "y": table.sequences_of(rows[:2], True)})
    assert [len(both["x"]), len(both["y"])] == [2, 1]
    with evaluating(encoder):
        assert torch.allclose(both["x"][1], encoder(table.single(rows, 1)), atol=1e-5)
        assert torch.allclose(both["y"][0], encoder(table.pair(rows[:2])), atol=1e-5)


def test_gradients_reach_the_encoder_in_training_and_not_in_evaluation(table: TokenTable) -> None:
    encoder = Encoder(Path("data/backbone"), "mean", FP32).train()
    assert embed_batch(encoder, {"x": table.sequences_of(np.arange(3), True)})["x"][0].requires_grad
    assert not embed_table(encoder, table, True, np.arange(3))[0].requires_grad
    assert encoder.training


def test_bf16_is_close_to_fp32(table: TokenTable) -> None:
    vectors = [
        embed_table(
            Encoder(Path("data/backbone"), "mean", FP32.model_copy(update={"precision": p})), table, True, np.arange(9)
        )[0]
        for p in ("fp32", "bf16")
    ]
    assert not torch.equal(*vectors)
    assert torch.nn.functional.cosine_similarity(*vectors).min() > 0.99
