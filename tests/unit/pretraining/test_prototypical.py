"""The losses of a step, of vectors that are given here, and the token that tells tasks apart."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from protomtl.model.heads import class_vectors
from protomtl.model.prototypes import prototypical_loss
from protomtl.model.sequences import Sequences
from protomtl.params import load
from protomtl.pretraining import prototypical
from protomtl.pretraining.prototypical import TaskTokens
from protomtl.training.prototypical_loss import COSINE
from tests.support import ROOT

PARAMS = load(ROOT / "params.yaml")


def texts(*lengths: int) -> Sequences:
    total = sum(lengths)
    return Sequences(np.zeros(total, int), np.zeros(total, int), np.array(lengths), 0)


def test_a_tasks_vector_stands_on_the_first_token_of_each_of_its_texts() -> None:
    tokens = TaskTokens(["sst", "type"], 2)
    with torch.no_grad():
        for value, name in enumerate(("sst", "%type"), 1):  # torch has a use of its own for the name `type`
            tokens.vectors[name].fill_(value)
    found = tokens({"sst": [texts(2, 1)], "type": [texts(1), texts(3)]})
    assert found[:, 0].tolist() == found[:, 1].tolist() == [1, 0, 1, 2, 2, 0, 0]
    found.sum().backward()
    assert [vector.grad.tolist() for vector in tokens.vectors.values()] == [[2, 2], [2, 2]]


def test_before_any_step_it_changes_nothing() -> None:
    assert not TaskTokens(["sst"], 3)({"sst": [texts(4, 2)]}).any()


ROWS = {"sst": np.array([3, 0, 2, 1]), "para": np.array([1, 2, 3])}
LABELS = {"sst": np.array([0.0, 4, 0, 4], np.float32), "para": np.array([1.0, 1, 0, 0], np.float32)}
FIRST, SECOND = torch.randn(2, 4, 3, generator=torch.Generator().manual_seed(1))


class Encoding(nn.Module):
    """In the place of an encoder: the texts of row k have the vectors FIRST[k] and SECOND[k]."""

    width, device = 3, torch.device("cpu")
    network = SimpleNamespace(get_input_embeddings=lambda: nn.Embedding(2, 3))


class Table:
    """Of four rows."""

    def __len__(self) -> int:
        return 4

    def sequences_of(self, rows: np.ndarray, whole: bool) -> Any:
        return rows


@pytest.mark.parametrize("pairs", ["sum", "relation"])
@pytest.mark.parametrize(("means", "rate"), [("batch", 0.0), ("leave_one_out", 0.03)])
def test_each_task_has_the_loss_of_its_vectors_and_labels(
    pairs: str, means: str, rate: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    sides = {"sst": [FIRST], "para": [FIRST, SECOND]}
    monkeypatch.setattr(
        prototypical, "embed_batch", lambda _, rows, __: {n: [x[r] for x in sides[n]] for n, r in rows.items()}
    )
    tables: Any = dict.fromkeys(ROWS, Table())
    settings = PARAMS.pretrain.model_copy(
        update={"pair_encoding": pairs, "prototypes": means, "distance": "cosine", "scale_lr": rate}
    )
    tasks = {name: PARAMS.tasks[name] for name in ROWS}
    found = prototypical.objective(Encoding(), tables, tasks, LABELS, settings, 1)  # type: ignore[arg-type]
    vectors = {"sst": FIRST, "para": class_vectors([FIRST, SECOND], pairs == "relation")}
    for name, term in zip(ROWS, found.weigh(found.losses(ROWS)), strict=True):
        own = torch.tensor(LABELS[name][ROWS[name]]).long()
        slow = prototypical_loss(vectors[name][ROWS[name]], own, "cosine", means, COSINE)
        assert term.item() == pytest.approx(slow.item(), abs=1e-6)
    factors = [name for name, _ in found.model.named_parameters()]
    assert factors == [f"loss.{name}.log_inverse_temperature" for name in ROWS]
    assert found.rates == (dict.fromkeys(factors, rate) if rate else {})
