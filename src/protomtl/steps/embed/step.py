"""Step `embed`: Figure 1, dev samples of each task before and after pre-training, and measures of their space."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from sklearn.metrics import silhouette_score
from threadpoolctl import threadpool_limits

from protomtl.core.files import atomic, read_record
from protomtl.core.paths import BACKBONE, TOKENS, results
from protomtl.core.settings import Backbone
from protomtl.model.checkpoint import starting_encoder, trained_distance
from protomtl.model.encoder import Encoder, embed_table, settle
from protomtl.model.heads import class_vectors
from protomtl.model.sequences import TokenTable
from protomtl.model.settings import Compute
from protomtl.plots import projection, style
from protomtl.seeds import number, some_rows
from protomtl.steps.embed import probes
from protomtl.steps.embed.settings import Embed
from protomtl.tasks.settings import Task, main_tasks
from protomtl.tasks.tensors import class_labels

FIGURES = {"t-SNE": "figure1", "UMAP": "figure1-umap"}
WHEN = ("before", "after")


def run(embed: Embed, tasks: dict[str, Task], backbone: Backbone, compute: Compute) -> None:
    """Write results/embed: Figure 1 by t-SNE and by UMAP (PNG, SVG), their points (CSV), measures of the space."""
    tasks = main_tasks(tasks)
    source = results("pretrain", embed.method, embed.seed)
    after = starting_encoder(source)
    pairs = "sum" if after == BACKBONE else read_record(source / "config.json")["pretrain"]["pair_encoding"]
    distance = trained_distance(source)
    settle(compute)
    encoders = {when: Encoder(f, backbone.pooling, compute) for when, f in zip(WHEN, (BACKBONE, after), strict=True)}
    points, measures = {}, []
    for name, task in tasks.items():
        for when, encoder in encoders.items():
            with threadpool_limits(1, user_api="blas"):  # small matrices: a second thread waits, and changes last bits
                points[name, when], measured = examine(encoder, name, task, embed, pairs, distance)
            measures.append({"task": name, "when": when, **measured})
    shown = pd.concat(points, names=["task", "when"]).reset_index(["task", "when"]).round(4)
    table = pd.DataFrame(measures).round(6)
    with atomic(results("embed")) as part:
        part.mkdir()
        shown.to_csv(part / "figure1.csv", index=False, lineterminator="\n")
        for how in FIGURES:
            draw(shown[shown["projection"] == how], table, how, embed.method, tasks, part)
        print(probes.write(table, f"The space before and after pre-training ({embed.method})", part))


def examine(
    encoder: Encoder, name: str, task: Task, settings: Embed, pairs: str, distance: str
) -> tuple[pd.DataFrame, dict[str, float]]:
    """Points of Figure 1 (the same dev examples in each projection), and measures of the space, of one task."""
    tables = {split: TokenTable.open(TOKENS, name, split) for split in ("train", "dev")}
    rows = some_rows(len(tables["dev"]), settings.samples, settings.seed, "figure 1", name)
    vectors, classes = sample(encoder, tables["dev"], task, pairs, rows)
    flat = {
        "t-SNE": projection.tsne(vectors, settings.perplexity, number(settings.seed, "t-SNE")),
        "UMAP": projection.umap(vectors, number(settings.seed, "UMAP")),
    }
    points = [
        pd.DataFrame({"projection": how, "row": rows, "class": classes, "x": places[:, 0], "y": places[:, 1]})
        for how, places in flat.items()
    ]
    train, dev = (
        sample(encoder, table, task, pairs, some_rows(len(table), settings.probe_samples, settings.seed, name, split))
        for split, table in tables.items()
    )
    found = {"silhouette": silhouette(vectors, classes), **probes.accuracies(train, dev, distance)}
    return pd.concat(points), found


def silhouette(vectors: np.ndarray, classes: np.ndarray) -> float:
    """Of the classes [n] in the space of vectors [n, width]; NaN where all rows are of one class, or none
    are alike, or all vectors are equal."""
    different = len(np.unique(classes))
    defined = 1 < different < len(classes) and len(np.unique(vectors.round(6), axis=0)) > 1
    return float(silhouette_score(vectors, classes)) if defined else float("nan")


def sample(encoder: Encoder, table: TokenTable, task: Task, pairs: str, rows: np.ndarray) -> probes.Labelled:
    """Embeddings [rows, width], pairs as in pre-training, and classes [rows] of some examples."""
    vectors = class_vectors(embed_table(encoder, table, pairs == "concat", rows), pairs == "relation").cpu().numpy()
    return vectors, class_labels(task, torch.from_numpy(table.labels[rows])).numpy()


def draw(
    points: pd.DataFrame, measures: pd.DataFrame, how: str, method: str, tasks: dict[str, Task], folder: Path
) -> None:
    """Two rows (before, after) of one panel per task, coloured by class."""
    few, *_, most = sorted(points.groupby(["task", "when"]).size())  # dev may have fewer rows than are asked for
    apart = measures.set_index(["task", "when"])["silhouette"]
    figure, axes = plt.subplots(2, len(tasks), figsize=(3.6 * len(tasks), 7), squeeze=False)
    for row, when in enumerate(WHEN):
        for column, name in enumerate(tasks):
            panel = points[(points["task"] == name) & (points["when"] == when)]
            title = f"{name}, {when}: silhouette {probes.number(apart[name, when])}"
            draw_panel(axes[row][column], panel, title, tasks[name])
    figure.suptitle(
        f"Figure 1: {most if few == most else f'{few} to {most}'} dev examples of each task before and after "
        f"pre-training ({method}), {how}"
    )
    style.save(figure, folder, FIGURES[how])


def draw_panel(axes: Axes, panel: pd.DataFrame, title: str, task: Task) -> None:
    low, high = int(panel["class"].min()), int(panel["class"].max())
    count = high - low + 1
    colours = ListedColormap(plt.get_cmap("viridis")(np.linspace(0, 0.95, count)))
    norm = BoundaryNorm(np.arange(low - 0.5, high + 1), count)
    shown = axes.scatter(panel["x"], panel["y"], c=panel["class"], cmap=colours, norm=norm, s=22)
    axes.set(title=title, xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    ticks = range(low, high + 1)
    bar = axes.figure.colorbar(shown, ax=axes, ticks=ticks, shrink=0.7, label="class")
    bar.ax.set_yticklabels([style.shortened(task.prototype_name(k)) for k in ticks], fontsize=7 if count <= 12 else 4)
