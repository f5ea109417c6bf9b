"""Curves against noise, diagrams of reliability and of risk against coverage."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from protomtl import calibration
from protomtl.core.runs import Run, methods_of
from protomtl.plots import style
from protomtl.steps.report import calibrated
from protomtl.tasks.settings import Task


def colours_of(methods: Sequence[str]) -> dict[str, tuple[float, ...]]:
    return {method: tuple(plt.get_cmap("tab20")(k % 20)) for k, method in enumerate(methods)}


def draw_noise(losses: pd.DataFrame, labels: Mapping[str, str], folder: Path) -> None:
    """A panel for each task: what each method loses at each share of words with typos, with its 95 % interval."""
    rows = losses[losses["stress"].str.startswith("typos_")] if len(losses) else losses
    if not len(rows):
        return
    names = sorted(dict.fromkeys(rows["task"]), key=lambda name: name != "overall")
    figure, axes = plt.subplots(1, len(names), figsize=(4 * len(names), 4.6), squeeze=False)
    colours = colours_of([*labels])
    for panel, name in zip(axes[0], names, strict=True):
        for place, (method, own) in enumerate(rows[rows["task"] == name].groupby("method", sort=False)):
            share = own["stress"].str.removeprefix("typos_").astype(float)
            shares = [0.0, *share + 0.1 * (place - len(labels) / 2)]  # beside each other
            for column, line in (
                ("loss", {"label": labels[str(method)]}),
                ("low", {"alpha": 0}),
                ("high", {"alpha": 0}),
            ):
                panel.plot(shares, [0.0, *own[column]], color=colours[str(method)], lw=1.3, **line)
            panel.vlines(shares[1:], own["low"], own["high"], color=colours[str(method)], lw=0.8)
        panel.axhline(0, color=style.PAPER, lw=1)
        panel.set(title=name, xlabel="% of the words with a typo", ylabel="loss" if name == names[0] else "")
    figure.legend(*axes[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
    style.save(figure, folder, "robust-noise")


def draw_reliability(runs: Sequence[Run], labels: Mapping[str, str], tasks: Mapping[str, Task], folder: Path) -> None:
    """For each task with classes: accuracy against confidence, and risk against coverage; all seeds together."""
    colours = colours_of([*labels])
    for name, task in tasks.items():
        found = {method: together(runs, method, name, task) for method in methods_of(runs)}
        known = {method: scored for method, scored in found.items() if scored is not None}
        if not known:
            continue
        figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4.8))
        left.plot([0, 1], [0, 1], color=style.PAPER, lw=1)
        for method, scored in known.items():
            bins = calibration.reliability(*scored)
            left.plot(
                bins.confidence, bins.accuracy, color=colours[method], lw=1.2, marker="o", ms=3, label=labels[method]
            )
            right.plot(*calibration.risk_coverage(*calibration.decisions(*scored)), color=colours[method], lw=1.2)
        left.set(title=f"{name}: reliability", xlabel="confidence", ylabel="accuracy", xlim=(0, 1), ylim=(0, 1))
        right.set(title="risk against coverage", xlabel="coverage", ylabel="share of wrong answers", xlim=(0.02, 1))
        figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
        style.save(figure, folder, f"robust-reliability-{name}")


def together(runs: Sequence[Run], method: str, name: str, task: Task) -> calibrated.Scored | None:
    """The test rows of all seeds of a method, or the dev rows where test has no labels."""
    for split in ("test", "dev"):
        found = [calibrated.read(run, task, name, split) for run in runs if run.method == method]
        if known := [scored for scored in found if scored is not None]:
            return calibrated.Scored(
                np.concatenate([s.scores for s in known]), np.concatenate([s.labels for s in known])
            )
    return None
