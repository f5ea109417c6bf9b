"""Vectors to a file while they come."""

import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from protomtl.inference.texts import write_array


@pytest.mark.parametrize("number", [1, 3, 12_345])
def test_the_file_is_that_of_numpy(tmp_path: Path, number: int) -> None:
    vectors = np.random.default_rng(1).standard_normal((number, 5)).astype(np.float32)
    np.save(tmp_path / "whole.npy", vectors)
    write_array(str(tmp_path / "streamed.npy"), iter(vectors), False)
    assert (tmp_path / "streamed.npy").read_bytes() == (tmp_path / "whole.npy").read_bytes()


def test_no_vector_is_held_that_is_written(tmp_path: Path) -> None:
    alive: set[int] = set()
    most = 0

    def vectors() -> Iterator[np.ndarray]:
        nonlocal most
        for number in range(50):
            vector = np.full(5, number, np.float32)
            alive.add(number)
            weakref.finalize(vector, alive.discard, number)
            most = max(most, len(alive))
            yield vector

    write_array(str(tmp_path / "vectors.npy"), vectors(), False)
    assert most <= 2
    assert np.load(tmp_path / "vectors.npy")[:, 0].tolist() == list(range(50))
