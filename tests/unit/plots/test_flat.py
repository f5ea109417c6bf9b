"""Few different vectors lie in a plane: nothing is estimated."""

import numpy as np
import pytest

from protomtl.plots import projection


@pytest.mark.parametrize("project", [lambda v: projection.tsne(v, 30, 1), lambda v: projection.umap(v, 1)])
@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("copies", [1, 20])
def test_up_to_three_different_vectors_keep_their_distances(project, number: int, copies: int) -> None:  # type: ignore[no-untyped-def]
    vectors = np.repeat(np.random.default_rng(1).normal(size=(number, 7)).astype(np.float32), copies, axis=0)
    places = project(vectors)
    assert places.shape == (number * copies, 2) and np.isfinite(places).all()
    true, shown = (np.linalg.norm(x[:, None] - x, axis=-1) for x in (vectors, places))
    assert np.allclose(true, shown, atol=1e-5)
