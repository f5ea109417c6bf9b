"""The token that tells tasks apart."""

import numpy as np
import torch

from protomtl.model.sequences import Sequences
from protomtl.pretraining.prototypical import TaskTokens


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
