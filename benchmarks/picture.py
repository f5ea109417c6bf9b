"""The figures of `make bench` as bars."""

import statistics
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt

from protomtl.drawing import OURS, PAPER

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
    figure.savefig(path, dpi=150, metadata={"Software": None})
    plt.close(figure)
