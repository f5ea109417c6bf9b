"""What is said of a method by its differences from the kept run: same bytes, equivalent, different, or not to tell."""

import numpy as np

SAME, EQUIVALENT, DIFFERENT, OPEN = "same bytes", "equivalent", "different", "cannot tell"


def judged(
    difference: float, interval: tuple[float, float], margin: float, bytes_same: bool | None, predicted: bool
) -> tuple[str, str]:
    """Verdict and reason, from differences of overall."""
    low, high = interval
    if predicted and bytes_same:
        return SAME, "weights, curves and every prediction"
    if predicted:
        return EQUIVALENT, "every prediction is the same; " + (
            "digests of the weights were not kept" if bytes_same is None else "the weights are not"
        )
    if -margin <= low and high <= margin:
        return EQUIVALENT, f"the interval lies within ±{margin:g}"
    if abs(difference) > margin and (low > 0 or high < 0):
        return DIFFERENT, f"further apart than ±{margin:g}, and the interval leaves out 0"
    return OPEN, f"the interval reaches beyond ±{margin:g}: too few seeds or examples"


def by_figures(difference: float, margin: float, bytes_same: bool | None) -> tuple[str, str]:
    """Verdict and reason where no predictions were kept."""
    if bytes_same:
        return SAME, "weights and curves; no predictions were kept"
    if not np.isfinite(difference):
        return OPEN, "a figure is not defined"
    close = abs(difference) <= margin
    return (EQUIVALENT if close else DIFFERENT), f"by the mean alone, ±{margin:g}; no predictions were kept"
