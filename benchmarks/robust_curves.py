"""The picture of training under stress: each figure of the kept cells against what was done to the rows."""

from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from protomtl.plots.style import save_png

WHOLE = "whole"  # the cell whose training rows are as they are
# A panel: its title, the key of `worsened` on its axis, where it is as the data are, and which cells are in it.
PANELS = (
    ("training rows of a task", "rows", ("rows",)),
    ("share of wrong labels, any other", "wrong_labels", ("wrong",)),
    ("share of wrong labels, the next one", "wrong_labels", ("next",)),
    ("rows of the largest class for one of the rarest", "imbalance", ("rare",)),
)
MARKERS = "osD^vPX*"  # of the methods: colours are not all that tells them apart
EXAMPLES = {"lw": 0.8}  # how an interval looks
SEEDS = {"lw": 5.0, "alpha": 0.3}  # and a deviation
SAID = (("95 % interval over examples", EXAMPLES), ("mean ± standard deviation over seeds", SEEDS))


def draw(rows: pd.DataFrame, path: Path) -> None:
    """A row of panels for each figure; a line a method, with two bars at each point: how far other examples may move
    it, and how far apart the seeds are."""
    figures = [column.removesuffix("_low") for column in rows if column.endswith("_low")]
    panels = [panel for panel in PANELS if rows["cell"].str.startswith(panel[2]).any()]
    if not panels:
        return
    size = max(4.8, 3.6 * len(panels)), 2.6 * len(figures) + 1.4
    figure, axes = plt.subplots(len(figures), len(panels), figsize=size, squeeze=False, sharex="col", sharey="row")
    for name, line in zip(figures, axes, strict=True):
        for panel, (title, key, begin) in zip(line, panels, strict=True):
            curve(panel, rows, name, key, begin)
            panel.set(xlabel=title if name == figures[-1] else "", ylabel=name if panel is line[0] else "")
    said = SAID if rows[[f"{name}_sd" for name in figures]].notna().any(axis=None) else SAID[:1]
    bars = [Line2D([], [], color="k", label=words, **look) for words, look in said]
    methods = axes[0][0].get_legend_handles_labels()[0]
    figure.legend(handles=[*methods, *bars], loc="outside lower center", ncols=len(panels), frameon=False)
    save_png(figure, path)


def curve(panel: Axes, rows: pd.DataFrame, name: str, key: str, begin: tuple[str, ...]) -> None:
    """Each method's figure against one setting. The whole data are where no label is wrong and no class is rare; how
    many rows they are differs by task, so that a curve over rows is without them."""
    here = rows[rows["cell"].str.startswith(begin) | ((rows["cell"] == WHOLE) & (key != "rows"))]
    here = here.fillna({key: {"wrong_labels": 0.0, "imbalance": 1.0}.get(key, 0.0)})
    ticks = sorted({*here[key]})
    methods = [*dict.fromkeys(here.loc[here["cell"] != WHOLE, "method"])]
    for place, method in enumerate(methods):
        own, colour = here[here["method"] == method].sort_values(key), plt.get_cmap("tab10")(place % 10)
        beside = (place - (len(methods) - 1) / 2) / 40
        x = own[key] + beside * (ticks[-1] - ticks[0]) if key == "wrong_labels" else own[key] * (1 + beside) ** 2
        marker = MARKERS[place % len(MARKERS)]
        panel.plot(x, own[name], color=colour, lw=1.3, marker=marker, ms=4.5, label=own["label"].iloc[0])
        panel.vlines(x, own[f"{name}_low"], own[f"{name}_high"], color=colour, **EXAMPLES)
        panel.vlines(x, own[name] - own[f"{name}_sd"], own[name] + own[f"{name}_sd"], color=colour, **SEEDS)
    if key != "wrong_labels":
        panel.set_xscale("log")
        panel.minorticks_off()
    panel.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
