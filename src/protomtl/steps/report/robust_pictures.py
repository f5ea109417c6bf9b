"""Curves against noise, diagrams of reliability and of risk against coverage."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from protomtl import calibration
from protomtl.core.runs import Run, methods_of
from protomtl.plots import style
from protomtl.steps.report import calibrated, primary
from protomtl.tasks.settings import Task

COLOURS = 8  # lines of a picture that have one of their own


def colours_of(methods: Sequence[str]) -> dict[str, tuple[float, ...]]:
    cycle = plt.get_cmap("tab10" if len(methods) <= 10 else "tab20")
    return {method: tuple(cycle(k % cycle.N)) for k, method in enumerate(methods)}


def draw_noise(losses: pd.DataFrame, labels: Mapping[str, str], folder: Path) -> None:
    """A panel for each task: what each method loses at each share of words with typos, with its 95 % interval."""
    rows = losses[losses["stress"].str.startswith("typos_")] if len(losses) else losses
    if not len(rows):
        return
    names = sorted(dict.fromkeys(rows["task"]), key=lambda name: name != "overall")
    told = told_apart(rows, [*labels])
    figure, axes = plt.subplots(1, len(names), figsize=(4 * len(names), 4.6), squeeze=False)
    colours = colours_of(told)
    for panel, name in zip(axes[0], names, strict=True):
        for method, own in rows[rows["task"] == name].groupby("method", sort=False):
            share = [0.0, *own["stress"].str.removeprefix("typos_").astype(float)]
            if method not in told:
                panel.plot(share, [0.0, *own["loss"]], color=style.PAPER, lw=0.7, zorder=1)
                continue
            colour, beside = colours[str(method)], 0.1 * (told.index(str(method)) - len(told) / 2)
            places = [0.0, *(place + beside for place in share[1:])]
            panel.plot(places, [0.0, *own["loss"]], color=colour, lw=1.3, label=labels[str(method)])
            panel.vlines(places[1:], own["low"], own["high"], color=colour, lw=0.8)
        panel.axhline(0, color=style.PAPER, lw=1)
        panel.set(title=name, xlabel="% of the words with a typo", ylabel="loss" if name == names[0] else "")
    lines, words = axes[0][0].get_legend_handles_labels()
    if len(told) < len(labels):
        lines, words = [*lines, Line2D([], [], color=style.PAPER, lw=0.7)], [*words, "other methods"]
    figure.legend(lines, words, loc="outside lower center", ncols=3, frameon=False)
    style.save(figure, folder, "robust-noise")


def told_apart(rows: pd.DataFrame, methods: Sequence[str]) -> list[str]:
    """The methods that have a colour, as the eye tells no more apart: those of the primary figure, then those that lose
    least of overall under the most typos."""
    first = [method for pair in primary.PAIRS for method in pair]
    most = rows[(rows["task"] == "overall") & (rows["stress"] == rows["stress"].iloc[-1])]
    least = most.sort_values("loss", kind="stable")["method"]
    wanted = [method for method in dict.fromkeys([*first, *least, *methods]) if method in methods][:COLOURS]
    return [method for method in methods if method in wanted]


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
