"""Projections to the plane: far groups stay apart, and the same each time."""

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from protomtl.plots import projection


def by_tsne(vectors: np.ndarray, seed: int) -> np.ndarray:
    return projection.tsne(vectors, 5, seed)


@pytest.mark.parametrize("project", [by_tsne, projection.umap])
def test_a_projection_keeps_two_far_groups_apart(project: Callable[..., np.ndarray]) -> None:
    random = np.random.default_rng(0)
    group = np.arange(24) % 2
    flat = project(random.normal(size=(24, 8)).astype(np.float32) + 50 * group[:, None], 1)
    assert flat.shape == (24, 2)
    distance = np.linalg.norm(flat[:, None] - flat[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    assert (group[distance.argmin(1)] == group).all()


@pytest.mark.parametrize("project", [by_tsne, projection.umap])
def test_a_projection_is_the_same_each_time_even_of_the_fewest_samples(project: Callable[..., np.ndarray]) -> None:
    vectors = np.random.default_rng(0).normal(size=(4, 8)).astype(np.float32)
    first = project(vectors, 1)
    assert np.isfinite(first).all()
    assert (project(vectors, 1) == first).all()


def test_t_sne_has_one_thread_of_each_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside other jobs two had taken twenty times as much of the processor, for the same bytes."""
    seen: list[int] = []
    fit = projection.TSNE.fit_transform

    def noted(model: projection.TSNE, vectors: np.ndarray) -> np.ndarray:
        seen.extend(library["num_threads"] for library in threadpool_info())
        return np.asarray(fit(model, vectors))

    monkeypatch.setattr(projection.TSNE, "fit_transform", noted)
    with threadpool_limits(2):
        projection.tsne(np.random.default_rng(0).normal(size=(6, 8)).astype(np.float32), 5, 1)
    assert {*seen} == {1}


def test_what_numba_compiles_is_kept_for_the_next_process() -> None:
    kept = []
    compiled = [SimpleNamespace(enable_caching=lambda name=name: kept.append(name)) for name in "ab"]
    projection.keep_compiled(SimpleNamespace(first=compiled[0], plain=len), SimpleNamespace(second=compiled[1]))
    assert kept == ["a", "b"]
