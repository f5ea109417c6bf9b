"""Linear layers that are fitted at once, by scikit-learn: discriminants of classes, ridge regression of values."""

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import RidgeCV

ALPHAS = np.logspace(-3, 3, 13)  # of ridge regression; leave-one-out error on the training rows chooses

Linear = tuple[np.ndarray, np.ndarray]  # weight [outputs, features] and bias [outputs]


def lda(x: np.ndarray, y: np.ndarray) -> Linear:
    """Of the classes that are present, with a shrunken covariance (Ledoit and Wolf 2004); x: [n, features], y: [n].
    ValueError for one class only, or fewer rows than classes."""
    found = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto").fit(x, y)
    return found.coef_, found.intercept_


def of_all_classes(fitted: Linear, y: np.ndarray, count: int) -> Linear:
    """The layer of `count` classes, of which scikit-learn has fitted those among the labels y; the others have bias
    -inf. Of two classes it gives the second one's row alone: then the first one's is 0."""
    present = np.unique(y).astype(int)
    rows = [np.concatenate([np.zeros_like(part), part]) if len(present) == 2 else part for part in fitted]
    weight, bias = np.zeros((count, rows[0].shape[1])), np.full(count, -np.inf)
    weight[present], bias[present] = rows
    return weight, bias


def ridge(x: np.ndarray, y: np.ndarray) -> Linear:
    """Of one value; x: [n, features], y: [n]."""
    found = RidgeCV(alphas=ALPHAS).fit(x, y)
    return found.coef_[None], np.array([found.intercept_])
