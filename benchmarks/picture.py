"""The figures of `make bench` as bars, and those of growing graphs as lines."""

import statistics
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.ticker import StrMethodFormatter

from protomtl.plots.style import OURS, PAPER, save_png

GROWING = {"processor": "processor seconds", "megabytes": "memory, MB"}
LINES = (OURS, "#c77b30", "#7a7a7a")
TITLES = {"training": "training, sequences/s", "encoding": "encoding, sentences/s"}


def draw(rows: list[dict[str, Any]], path: Path, label: Any) -> None:
    """One panel for training and one for encoding: medians, with a line from the smallest to the largest."""
    figure, panels = plt.subplots(1, 2, figsize=(11, 3.2))
    for panel, (kind, title) in zip(panels, TITLES.items(), strict=True):
        shown = [row for row in rows if row["kind"] == kind][::-1]
        values = [statistics.median(row["per_second"]) for row in shown]
        spread = [
            [value - min(row["per_second"]) for value, row in zip(values, shown, strict=True)],
            [max(row["per_second"]) - value for value, row in zip(values, shown, strict=True)],
        ]
        colours = [OURS if row["name"].startswith("protomtl") else PAPER for row in shown]
        names = [label(row).partition(": ")[2] for row in shown]
        bars = panel.barh(names, values, xerr=spread, color=colours, error_kw={"lw": 0.8})
        panel.bar_label(bars, [f"{value:.0f}" for value in values], padding=6)
        panel.set_title(title)
        panel.margins(x=0.12)
    save_png(figure, path)


def growth(rows: list[dict[str, Any]], labels: dict[str, str], path: Path) -> None:
    """A line a command: processor seconds against stages, both by powers of ten; memory in a second panel."""
    figure, panels = plt.subplots(1, 2, figsize=(9, 3.2))
    for panel, (key, title) in zip(panels, GROWING.items(), strict=True):
        for colour, (name, label) in zip(LINES, labels.items(), strict=False):
            done = [row for row in rows if "unfinished" not in row[name]]
            panel.loglog([r["stages"] for r in done], [r[name][key] for r in done], "o-", color=colour, label=label)
        panel.set_title(title)
        panel.set_xlabel("stages")
        panel.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        panel.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        panel.grid(which="major", alpha=0.3)
    panels[0].legend(frameon=False, fontsize=7)
    save_png(figure, path, dpi=110)


def flat(rows: list[dict[str, Any]], path: Path) -> None:
    """A line a command: processor seconds and memory against rows, by powers of ten."""
    figure, panels = plt.subplots(1, 2, figsize=(9, 3.4))
    names = [name for name in dict.fromkeys(row["what"] for row in rows) if name not in ("download", "backbone")]
    for panel, (key, title) in zip(panels, GROWING.items(), strict=True):
        for colour, name in zip(plt.get_cmap("tab10").colors, names, strict=False):  # type: ignore[attr-defined]
            done = [row for row in rows if row["what"] == name]
            panel.plot([r["rows"] for r in done], [r[key] for r in done], "o-", color=colour, label=name)
        panel.set_xscale("log")
        panel.set_title(title)
        panel.set_xlabel("texts of predict and encode, pairs of the others")
        panel.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        panel.grid(which="major", alpha=0.3)
    panels[0].set_yscale("log")
    panels[1].set_ylim(bottom=0)
    panels[0].legend(frameon=False, fontsize=7)
    save_png(figure, path, dpi=110)
