"""Step `figures`: training curves, Table 1 as bars beside the paper's, each method minus a reference."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from protomtl import drawing
from protomtl.config import main_tasks
from protomtl.files import atomic
from protomtl.paths import DEV_CURVES, FIGURES, TABLES, TRAIN_CURVES, run_folder
from protomtl.schema import Method, Task
from protomtl.verdicts import LEVEL, overall_against_first

OURS = "ours, with 95 % interval over dev examples"


def run(methods: list[str], seeds: list[int], method: dict[str, Method], tasks: dict[str, Task]) -> None:
    """Write results/figures."""
    main = list(main_tasks(tasks))
    with atomic(FIGURES) as part:
        part.mkdir()
        draw_curves(methods, seeds, method, main, part)
        table = pd.read_csv(TABLES / "table1.csv")
        drawing.save(draw_bars(table), part, "table1")
        compared = overall_against_first(pd.read_csv(TABLES / "comparisons.csv"))
        if len(compared):
            drawing.save(draw_differences(compared, table), part, "differences")
    print(f"figures: {', '.join(sorted(p.name for p in FIGURES.glob('*.png')))}")


def curve(root: Path, method: str, seeds: list[int]) -> pd.DataFrame:
    """The mean over seeds of a method's curve."""
    runs = [pd.read_csv(run_folder(root, method, seed) / "curve.csv") for seed in seeds]
    return pd.concat(runs).groupby(level=0).mean()


def draw_curves(
    methods: list[str], seeds: list[int], blocks: dict[str, Method], tasks: list[str], folder: Path
) -> None:
    """Training loss of each task (running mean) and dev overall of each method."""
    figure, axes = plt.subplots(1, len(tasks) + 1, figsize=(4 * (len(tasks) + 1), 5))
    colours = plt.get_cmap("tab20")(np.arange(len(methods)) % 20)
    for name, colour in zip(methods, colours, strict=True):
        train, dev = curve(TRAIN_CURVES, name, seeds), curve(DEV_CURVES, name, seeds)
        smooth = train.rolling(max(1, len(train) // 10), min_periods=1).mean()
        for panel, task in zip(axes, tasks, strict=False):
            panel.plot(train["step"], smooth[f"loss_{task}"], color=colour, lw=1.3)
        axes[-1].plot(dev["epoch"], dev["overall"], color=colour, lw=1.3, marker="o", label=blocks[name].label)
    for panel, task in zip(axes, tasks, strict=False):
        panel.set(title=f"{task}: training loss", xlabel="step", ylim=(0, None))
    axes[-1].set(title="dev overall", xlabel="epoch", xticks=sorted(dev["epoch"]))
    figure.legend(loc="outside lower center", ncols=5, frameon=False)
    drawing.save(figure, folder, "curves")


def draw_bars(table: pd.DataFrame) -> Figure:
    """Table 1: a panel per figure, a pair of bars per method, ours (with its 95 % interval) and the paper's."""
    figures = [name.removesuffix("_low") for name in table.columns if name.endswith("_low")]
    figure, axes = plt.subplots(1, len(figures), figsize=(3.4 * len(figures), 0.42 * len(table) + 1.6), sharey=True)
    place = np.arange(len(table))
    for panel, name in zip(axes, figures, strict=True):
        paper = table[f"{name}_paper"] if f"{name}_paper" in table else np.full(len(table), np.nan)
        reach = [table[name] - table[f"{name}_low"], table[f"{name}_high"] - table[name]]
        whiskers = np.clip(reach, 0, None)  # a percentile interval need not hold the value that it is of
        bars = panel.barh(place - 0.2, table[name], 0.4, color=drawing.OURS, label=OURS, xerr=whiskers)
        panel.barh(place + 0.2, paper, 0.4, color=drawing.PAPER, label="paper (bert-base, 20 epochs)")
        panel.bar_label(bars, fmt="%.3f", padding=2, fontsize=7)
        panel.set(title=name, yticks=place, xlim=(min(0, table[f"{name}_low"].min()) * 1.15, 1))
        panel.set_yticklabels(table["label"])
    axes[0].set_ylim(len(table) - 0.4, -0.6)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
    return figure


def draw_differences(compared: pd.DataFrame, table: pd.DataFrame) -> Figure:
    """Each method minus a reference (comparisons of one figure): dots with 95 % intervals, the best at the top."""
    rows = compared.sort_values("difference", kind="stable").reset_index(drop=True)
    labels, decided = table.set_index("method")["label"], rows["p_holm"] < LEVEL
    figure, panel = plt.subplots(figsize=(7, 0.22 * len(rows) + 1.2))
    panel.axvline(0, color=drawing.PAPER, lw=1)
    for part, colour, name in (
        (rows[decided], drawing.OURS, f"decided: p below {LEVEL}, Holm"),
        (rows[~decided], "#7a7a7a", "undecided"),
    ):
        panel.hlines(part.index, part["low"], part["high"], color=colour)
        panel.plot(part["difference"], part.index, "o", color=colour, ms=4, label=name)
    panel.set_yticks(rows.index, labels[rows["method"]])
    panel.set_ylim(-0.7, len(rows) - 0.3)
    panel.locator_params("x", nbins=5)  # beside long names there is little room for numbers
    figure.suptitle(f"{rows['split'][0]}, overall, minus {labels[rows['reference'][0]]}, 95 % interval", fontsize=9)
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return figure
