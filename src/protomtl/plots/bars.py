"""Table 1 as bars, and each method minus a reference."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from protomtl.analysis.bootstrap import LEVEL
from protomtl.plots import style

OURS = "ours, with 95 % interval over dev examples"


def draw_bars(table: pd.DataFrame) -> Figure:
    """Table 1: a panel per figure, a bar per method, ours (with its 95 % interval), and the paper's if it has any."""
    figures = [name.removesuffix("_low") for name in table.columns if name.endswith("_low")]
    paper = table.reindex(columns=[f"{name}_paper" for name in figures])
    thick = 0.4 if paper.notna().any(axis=None) else 0.8
    figure, axes = plt.subplots(1, len(figures), figsize=(3.4 * len(figures), 0.42 * len(table) + 1.6), sharey=True)
    place = np.arange(len(table))
    for panel, name in zip(axes, figures, strict=True):
        reach = [table[name] - table[f"{name}_low"], table[f"{name}_high"] - table[name]]
        whiskers = np.clip(reach, 0, None)  # a percentile interval need not hold the value that it is of
        bars = panel.barh(place - 0.4 + thick / 2, table[name], thick, color=style.OURS, label=OURS, xerr=whiskers)
        if thick == 0.4:
            panel.barh(
                place + 0.2, paper[f"{name}_paper"], 0.4, color=style.PAPER, label="paper (bert-base, 20 epochs)"
            )
        panel.bar_label(bars, fmt="%.3f", padding=2, fontsize=7)
        panel.set(
            title=name,
            yticks=place,
            xlim=(min(0, table[f"{name}_low"].fillna(table[name]).min()) * 1.15, max(1, table[f"{name}_high"].max())),
        )
        panel.set_yticklabels(table["label"])
    axes[0].set_ylim(len(table) - 0.4, -0.6)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
    return figure


def draw_differences(compared: pd.DataFrame, table: pd.DataFrame) -> Figure:
    """Each method minus a reference (comparisons of one figure): dots with 95 % intervals, the best at the top."""
    rows = compared.sort_values("difference", kind="stable").reset_index(drop=True)
    labels, decided = table.set_index("method")["label"], rows["p_holm"] < LEVEL
    figure, panel = plt.subplots(figsize=(7, 0.22 * len(rows) + 1.2))
    panel.axvline(0, color=style.PAPER, lw=1)
    for part, colour, name in (
        (rows[decided], style.OURS, f"decided: p below {LEVEL}, Holm"),
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
