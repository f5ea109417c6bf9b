"""One number of a curve: the area under a figure against the logarithm of the rows, and how soon it is at its end."""

from collections.abc import Sequence

import numpy as np

SHARE = 0.95  # of the end of a curve


def area_weights(rows: Sequence[int]) -> np.ndarray:
    """[n] what each point weighs in the mean height of a curve over log(rows), by trapezoids; the sum is 1.

    rows: two or more sizes, rising.
    """
    x = np.log2(np.asarray(rows, dtype=float))
    if len(x) < 2 or (np.diff(x) <= 0).any():
        raise ValueError(f"rows {', '.join(map(str, rows))}: two sizes or more are needed, rising")
    steps = np.diff(x) / (x[-1] - x[0])
    return np.asarray((np.append(steps, 0) + np.append(0, steps)) / 2)


def area(rows: Sequence[int], values: np.ndarray) -> np.ndarray:
    """[...] the mean height of curves [n, ...] over log(rows): it has the unit of the figure."""
    return np.asarray(np.tensordot(area_weights(rows), values, axes=1))


def steps_to(steps: np.ndarray, values: np.ndarray, target: float) -> float:
    """The step at which a curve first reaches the target, on straight lines between its points; inf if never.

    A curve that begins above the target has its first step: it is there at the latest then. Points whose value is not
    finite are none, as of scores out of range. NaN for such a target.
    """
    if not np.isfinite(target):
        return float("nan")
    defined = np.isfinite(values)
    steps, values = steps[defined], values[defined]
    reached = np.flatnonzero(values >= target)
    if not len(reached):
        return float("inf")
    k = int(reached[0])
    if k == 0:
        return float(steps[0])
    share = (target - values[k - 1]) / (values[k] - values[k - 1])
    return float(steps[k - 1] + share * (steps[k] - steps[k - 1]))
