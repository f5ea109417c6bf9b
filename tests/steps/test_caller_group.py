"""Inside a process group that is the caller's own, each process encodes what it is given."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import distributed as dist
from torch.multiprocessing.spawn import spawn

import protomtl
from protomtl.model import distributed

TEXTS = {  # of each process, one call after the other
    0: [["a good film", "the cat runs", "bad bad plot", "the man sits"], ["the dog sits"]],
    1: [["great great story"], []],
}


def member(rank: int, size: int, folder: str, model: str) -> None:
    """Encode this process's own texts, of which others have more, fewer or none, while the group is in use."""
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=size)
    try:
        loaded = protomtl.load(model)
        vectors, scores = answers(loaded, rank)
        given = torch.tensor([rank + 1.0])
        dist.all_reduce(given)  # it is still the caller's group, and nobody waits in it for something else
        assert given.item() == sum(range(1, size + 1))
        np.savez(f"{folder}/{rank}.npz", vectors=vectors, scores=scores)
    finally:
        dist.destroy_process_group()


def answers(model: protomtl.Model, rank: int) -> tuple[np.ndarray, np.ndarray]:
    vectors, scores = ([*map(of, TEXTS[rank])] for of in (model.encode, partial(model.predict_proba, "sst")))
    return np.concatenate(vectors), np.concatenate(scores)


@pytest.mark.parametrize("size", [1, 2])
def test_each_process_has_the_vectors_of_its_own_texts(size: int, model: Path, tmp_path: Path) -> None:
    if size == 1:
        member(0, size, str(tmp_path), str(model))
    else:
        spawn(member, (size, str(tmp_path), str(model)), size)  # type: ignore[no-untyped-call]
    alone = protomtl.load(model)
    for rank in range(size):
        found = np.load(tmp_path / f"{rank}.npz")
        for name, expected in zip(("vectors", "scores"), answers(alone, rank), strict=True):
            np.testing.assert_allclose(found[name], expected, atol=1e-6)


def test_work_is_shared_inside_join_alone(tmp_path: Path) -> None:
    group = {"backend": "gloo", "rank": 0, "world_size": 1}
    seen = []
    distributed.join(lambda: seen.append(bool(distributed.JOINED)), init_method=f"file://{tmp_path}/one", **group)
    dist.init_process_group(init_method=f"file://{tmp_path}/two", **group)
    try:
        seen.append(bool(distributed.JOINED))
        assert distributed.place() == (0, 1) and distributed.is_main()
        distributed.wait()
    finally:
        dist.destroy_process_group()
    assert seen == [True, False]
    with pytest.raises(ZeroDivisionError):
        distributed.join(lambda: 1 / 0, init_method=f"file://{tmp_path}/three", **group)
    assert not distributed.JOINED and not dist.is_initialized()
