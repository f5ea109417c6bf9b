"""Figures of several trainings beside their mean: few seeds, of which one may have gone wrong (Agarwal et al. 2021)."""

import numpy as np

CUT = 0.25  # of the seeds on either side
ENOUGH = 4  # seeds, from which on the interquartile mean leaves any out


def interquartile_mean(values: np.ndarray) -> float:
    """The mean of the middle half of the values [seeds]: a quarter, rounded down, is left out on either side."""
    out = int(CUT * len(values))
    end = len(values) - out
    return float(np.partition(values, (out, end - 1))[out:end].mean())  # to the bit scipy.stats.trim_mean


def improvement(ours: np.ndarray, theirs: np.ndarray) -> float:
    """How probably a training of ours has more than one of theirs: the share of pairs of seeds; a tie is half.

    ours, theirs: [seeds] each (Agarwal et al. 2021, §4.3; Mann and Whitney 1947).
    """
    return float(wins(ours, theirs).mean())


def resampled_improvement(
    ours: np.ndarray, theirs: np.ndarray, our_counts: np.ndarray, their_counts: np.ndarray
) -> np.ndarray:
    """[resamples] the same with seeds drawn anew, each method by itself.

    counts: [resamples, seeds], how often each was drawn.
    """
    won = ((our_counts @ wins(ours, theirs)) * their_counts).sum(1)
    return np.asarray(won / (our_counts.sum(1) * their_counts.sum(1)))


def wins(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """[seeds, seeds] 1 where ours has more, a half where both have the same."""
    return np.asarray((np.sign(ours[:, None] - theirs[None, :]) + 1) / 2)
