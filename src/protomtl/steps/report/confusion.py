"""Confusion matrices as pictures."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from protomtl.core.paths import results
from protomtl.core.written import read_rows
from protomtl.plots import style
from protomtl.tasks.labels import Names
from protomtl.tasks.settings import Task

NUMBERED = 12  # classes, up to which a matrix has numbers in its cells


def draw_confusions(labels: Mapping[str, str], seeds: Sequence[int], tasks: Mapping[str, Task], folder: Path) -> None:
    """A picture for each task with classes: a matrix a method, the shares of each gold class, all seeds together."""
    for name, task in tasks.items():
        paths = {m: [results("evaluate", m, s) / "dev" / f"{name}-confusion.csv" for s in seeds] for m in labels}
        paths = {m: several for m, several in paths.items() if all(path.exists() for path in several)}
        if not task.what.one_class or not paths:
            continue
        columns = min(4, len(paths))
        rows = -(-len(paths) // columns)
        longest = max(len(style.shortened(name)) for name in task.class_names)
        side = 2.5 + 0.07 * longest + 0.1 * max(0, task.number_of_classes - NUMBERED)
        figure, axes = plt.subplots(rows, columns, figsize=(side * columns, (side + 0.1) * rows), squeeze=False)
        for panel in axes.flat[len(paths) :]:
            panel.axis("off")
        for panel, (method, several) in zip(axes.flat, paths.items(), strict=False):
            counts = sum(read_rows(path, index_col="gold").to_numpy() for path in several)
            draw_confusion(panel, np.asarray(counts, dtype=float), labels[method], task.class_names)
        figure.suptitle(f"{name}, dev: shares of each gold class")
        style.save(figure, folder, f"confusion-{name}")


def draw_confusion(panel: Axes, counts: np.ndarray, title: str, names: Names) -> None:
    """counts: [classes, classes]; the share stands in each cell as long as there is room for it."""
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    panel.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), share in np.ndenumerate(shares) if len(names) <= NUMBERED else ():
        colour = "white" if share > 0.6 else "black"
        panel.text(column, row, f"{share:.2f}", ha="center", va="center", fontsize=7, color=colour)
    panel.set(title=title, xlabel="predicted", ylabel="gold")
    words = [style.shortened(name) for name in names]
    panel.set_xticks(range(len(names)), words, rotation=90 if max(map(len, words)) > 1 else 0, fontsize=7)
    panel.set_yticks(range(len(names)), words, fontsize=7)
    panel.title.set_fontsize(7)
