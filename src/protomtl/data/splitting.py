"""80/10/10: stratified, seeded, rows that share a text in one split."""

from collections.abc import Sequence

import numpy as np

from protomtl.data.split_profile import normalised

FOLDS = 10  # one is test, one is dev, the others are train
FEWEST = 5 * FOLDS  # rows that can be split


def components(texts: Sequence[Sequence[str]]) -> np.ndarray:
    """[rows] the group of each row: rows that share a text, directly or through others, share a group."""
    from scipy.sparse import coo_array  # heavy, and most files come with their splits
    from scipy.sparse.csgraph import connected_components

    numbers: dict[str, int] = {}
    edges = [(row, numbers.setdefault(normalised(text), len(numbers))) for row, own in enumerate(texts) for text in own]
    source, target = np.array(edges).T
    size = len(texts) + len(numbers)
    graph = coo_array((np.ones(len(edges)), (source, target + len(texts))), shape=(size, size))
    return np.asarray(connected_components(graph, directed=False)[1][: len(texts)])


def splits_of(
    texts: Sequence[Sequence[str]], strata: np.ndarray, seed: int, held_out: Sequence[str] = ("test", "dev")
) -> list[str]:
    """The split of each row, train or one of `held_out`, a tenth each; texts, strata: of the rows, FEWEST at least.
    ValueError where one text or another is in nearly all rows.

    A group of more than a fifth of a fold is training data: as most of a dev or test split it would
    make that split another distribution (one group of STS captions has hundreds of pairs).
    """
    from sklearn.model_selection import StratifiedGroupKFold  # heavy

    groups = components(texts)
    small = np.flatnonzero(np.bincount(groups)[groups] * 5 * FOLDS <= len(texts))
    strata = np.asarray(strata)[small]
    number = max(3, round(FOLDS * len(small) / len(texts)))
    if len(np.unique(groups[small])) < number:
        raise ValueError("nearly all rows share texts with others, so that none can be held out")
    folds = StratifiedGroupKFold(number, shuffle=True, random_state=seed)
    found = ["train"] * len(texts)
    for name, (_, members) in zip(held_out, folds.split(strata, strata, groups[small]), strict=False):
        for row in small[members]:
            found[row] = name
    return found
