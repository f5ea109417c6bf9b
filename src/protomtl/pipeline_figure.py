"""Figure 2: the overview of the approach, drawn from dvc.yaml, so that it cannot differ from what runs."""

import re
import textwrap
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from protomtl.core.yaml_reader import read_yaml
from protomtl.plots import style

COLOURS = {"data": "#e8eef3", "training": "#cfe3d4", "results": "#f4e6cd"}  # by `meta: {part: …}` of a stage
HIGH, WIDE = 0.62, 0.86  # of a box, where boxes are 1 apart


def read_graph(path: Path) -> dict[str, set[str]]:
    """Stage -> the stages whose outputs it depends on, from the templates of dvc.yaml."""
    stages: dict[str, Any] = read_yaml(path)["stages"]
    made = {blank(out): name for name, stage in stages.items() for out in stage.get("outs", [])}
    return {
        name: {made[out] for dep in stage["deps"] for out in made if related(out, blank(dep))} - {name}
        for name, stage in stages.items()
    }


def blank(path: str) -> str:
    """A path with its `${…}` emptied, so that a stage's output and one chosen version of it are the same."""
    return re.sub(r"\$\{[^}]*\}", "${}", path)


def related(out: str, dep: str) -> bool:
    """Does a dependency name this output, a part of it, or a folder that holds it?"""
    return out == dep or out.startswith(dep + "/") or dep.startswith(out + "/")


def levels(graph: dict[str, set[str]]) -> dict[str, int]:
    """Stage -> its column: the longest way to it, and what has no dependency right before its first reader."""
    level: dict[str, int] = {}

    def of(name: str) -> int:
        if name not in level:
            level[name] = max((of(parent) + 1 for parent in graph[name]), default=0)
        return level[name]

    for name in graph:
        of(name)
    for name in graph:
        if not graph[name]:
            level[name] = min((level[reader] for reader in graph if name in graph[reader]), default=1) - 1
    return level


def draw_pipeline(path: Path, methods: int, seeds: int, folder: Path) -> None:
    """Boxes from left to right in the order of the work, an arrow for each dependency."""
    graph, stages = read_graph(path), read_yaml(path)["stages"]
    level = levels(graph)
    columns: dict[int, list[str]] = {}
    for name in graph:
        columns.setdefault(level[name], []).append(name)
    spot = {
        name: (float(column), (len(names) - 1) / 2 - row)
        for column, names in columns.items()
        for row, name in enumerate(names)
    }
    figure, axes = plt.subplots(figsize=(1.75 * len(columns) + 0.5, 1.4 * max(map(len, columns.values())) + 1.2))
    for name, parents in graph.items():
        for parent in parents - {p for q in parents for p in graph[q]}:  # what follows from another arrow is left out
            draw_arrow(axes, spot[parent], spot[name])
    for name, (x, y) in spot.items():
        runs = f"{methods} methods × {seeds} seed{'s' * (seeds > 1)}" if "matrix" in stages[name] else ""
        draw_box(axes, x, y, name, stages[name], runs)
    low, high = min(y for _, y in spot.values()), max(y for _, y in spot.values())
    axes.set(
        xlim=(-0.6, len(columns) - 0.4), ylim=(low - 0.6, high + 0.6), title="Figure 2: the pipeline (from dvc.yaml)"
    )
    axes.axis("off")
    style.save(figure, folder, "figure2")


def draw_box(axes: Axes, x: float, y: float, name: str, stage: dict[str, Any], runs: str) -> None:
    colour, words = COLOURS[stage["meta"]["part"]], stage.get("desc", "")
    box = Rectangle((x - WIDE / 2, y - HIGH / 2), WIDE, HIGH, fc=colour, ec="#555555", lw=0.8)
    axes.add_patch(box)
    axes.text(x, y + 0.17, name, ha="center", va="center", weight="bold")
    axes.text(x, y - 0.04, textwrap.fill(words, 22), ha="center", va="center", fontsize=6.5)
    axes.text(x, y - 0.25, runs, ha="center", va="center", fontsize=6, color="#555555")


def draw_arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    axes.annotate(
        "",
        xy=(end[0] - WIDE / 2, end[1]),
        xytext=(start[0] + WIDE / 2, start[1]),
        arrowprops={"arrowstyle": "-|>", "color": "#555555", "lw": 1, "connectionstyle": "arc3,rad=0.0"},
    )
