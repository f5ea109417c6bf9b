"""Embeddings in the plane, for people to look at.

Both projections start from the principal components: they are to differ by method, not by where they begin (Kobak and
Linderman 2021). One thread, so that the same seed gives the same bytes; small matrices gain nothing from more.
"""

from typing import Any

import numpy as np
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

NEIGHBOURS = 15  # UMAP's own default


def tsne(vectors: np.ndarray, perplexity: float, seed: int) -> np.ndarray:
    """[samples, 2] places of vectors [samples, width] (van der Maaten and Hinton 2008)."""
    if lie_in_a_plane(vectors):
        return in_their_plane(vectors)
    model = TSNE(perplexity=min(perplexity, (len(vectors) - 1) / 3), init="pca", random_state=seed % 2**32, n_jobs=1)
    with threadpool_limits(1):  # of OpenMP too: beside other jobs its threads would wait for each other, at full speed
        return np.asarray(model.fit_transform(vectors), dtype=float)


def lie_in_a_plane(vectors: np.ndarray) -> bool:
    """Whether there are at most three different vectors. (Of equal ones t-SNE may end the process.)"""
    return len(np.unique(vectors.round(6), axis=0)) <= 3


def in_their_plane(vectors: np.ndarray) -> np.ndarray:
    """[samples, 2] places of up to three different vectors, at their true distances."""
    centred = np.asarray(vectors, dtype=float) - np.mean(vectors, axis=0)
    left, singular, _ = np.linalg.svd(centred, full_matrices=False)
    places = np.zeros((len(vectors), 2))
    places[:, : len(singular)] = (left * singular)[:, :2]
    return places


def keep_compiled(*modules: Any) -> None:
    """Let numba store what it compiles of a library's modules beside them, or in the user's cache.

    Half of UMAP's functions ask for it themselves. The others would be compiled in each process, for 12 seconds. What
    is stored is the same machine code.
    """
    for function in (value for module in modules for value in vars(module).values()):
        if hasattr(function, "enable_caching"):  # plain functions have not, nor have any where numba is switched off
            function.enable_caching()


def umap(vectors: np.ndarray, seed: int) -> np.ndarray:
    """[samples, 2] places of vectors [samples, width] (McInnes et al. 2018)."""
    from umap import UMAP, layouts, umap_, utils  # heavy

    keep_compiled(layouts, umap_, utils)
    if lie_in_a_plane(vectors):
        return in_their_plane(vectors)
    neighbours = min(NEIGHBOURS, len(vectors) - 1)
    model = UMAP(n_neighbors=neighbours, init="pca", random_state=seed % 2**32, n_jobs=1)
    with threadpool_limits(1, user_api="blas"):
        return np.asarray(model.fit_transform(vectors), dtype=float)
