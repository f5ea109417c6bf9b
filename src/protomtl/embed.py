"""Step `embed`: Figure 1, dev samples of each task before and after pre-training, and measures of their space."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from sklearn.manifold import TSNE
from sklearn.metrics import silhouette_score
from threadpoolctl import threadpool_limits

from protomtl import drawing, space
from protomtl.config import main_tasks
from protomtl.encoder import Encoder, embed_table
from protomtl.files import atomic, read_json
from protomtl.model import starting_encoder
from protomtl.paths import BACKBONE, EMBED, PRETRAIN, TOKENS, run_folder
from protomtl.prototypes import class_labels
from protomtl.random import number, some_rows
from protomtl.schema import Backbone, Compute, Embed, Task
from protomtl.tokens import TokenTable

FIGURES = {"t-SNE": "figure1", "UMAP": "figure1-umap"}
WHEN = ("before", "after")
NEIGHBOURS = 15  # UMAP's own default


def run(embed: Embed, tasks: dict[str, Task], backbone: Backbone, compute: Compute) -> None:
    """Write results/embed: Figure 1 by t-SNE and by UMAP (PNG, SVG), their points (CSV), measures of the space."""
    tasks = main_tasks(tasks)
    source = run_folder(PRETRAIN, embed.method, embed.seed)
    after = starting_encoder(source)
    concat = after != BACKBONE and read_json(source / "config.json")["pretrain"]["pair_encoding"] == "concat"
    encoders = {when: Encoder(f, backbone.pooling, compute) for when, f in zip(WHEN, (BACKBONE, after), strict=True)}
    points, measures = {}, []
    for name, task in tasks.items():
        for when, encoder in encoders.items():
            with threadpool_limits(1, user_api="blas"):  # small matrices: a second thread waits, and changes last bits
                points[name, when], measured = examine(encoder, name, task, embed, concat)
            measures.append({"task": name, "when": when, **measured})
    shown = pd.concat(points, names=["task", "when"]).reset_index(["task", "when"]).round(4)
    table = pd.DataFrame(measures).round(4)
    with atomic(EMBED) as part:
        part.mkdir()
        shown.to_csv(part / "figure1.csv", index=False, lineterminator="\n")
        for projection in FIGURES:
            draw(shown[shown["projection"] == projection], table, projection, embed, part)
        print(space.write(table, f"The space before and after pre-training ({embed.method})", part))


def examine(
    encoder: Encoder, name: str, task: Task, settings: Embed, concat: bool
) -> tuple[pd.DataFrame, dict[str, float]]:
    """Points of Figure 1 (the same dev examples in each projection), and measures of the space, of one task."""
    tables = {split: TokenTable.open(TOKENS, name, split) for split in ("train", "dev")}
    rows = some_rows(len(tables["dev"]), settings.samples, settings.seed, "figure 1", name)
    vectors, classes = sample(encoder, tables["dev"], task, concat, rows)
    flat = {"t-SNE": tsne(vectors, settings), "UMAP": umap(vectors, settings)}
    points = [
        pd.DataFrame({"projection": projection, "row": rows, "class": classes, "x": x, "y": y})
        for projection, (x, y) in flat.items()
    ]
    train, dev = (
        sample(encoder, table, task, concat, some_rows(len(table), settings.probe_samples, settings.seed, name, split))
        for split, table in tables.items()
    )
    return pd.concat(points), {"silhouette": float(silhouette_score(vectors, classes)), **space.accuracies(train, dev)}


def sample(encoder: Encoder, table: TokenTable, task: Task, concat: bool, rows: np.ndarray) -> space.Labelled:
    """Embeddings [rows, width], pairs as in pre-training, and classes [rows] of some examples."""
    vectors = torch.stack(embed_table(encoder, table, concat, rows)).sum(0).cpu().numpy()
    return vectors, class_labels(task, torch.from_numpy(table.labels[rows])).numpy()


# Both projections start from the principal components: they are to differ by method, not by where they begin
# (Kobak and Linderman 2021). One thread, so that the same seed gives the same bytes.


def tsne(vectors: np.ndarray, settings: Embed) -> np.ndarray:
    """[2, samples] coordinates (van der Maaten and Hinton 2008)."""
    perplexity = min(settings.perplexity, (len(vectors) - 1) / 3)
    seed = number(settings.seed, "t-SNE") % 2**32
    model = TSNE(perplexity=perplexity, init="pca", random_state=seed, n_jobs=1)
    return np.asarray(model.fit_transform(vectors), dtype=float).T


def umap(vectors: np.ndarray, settings: Embed) -> np.ndarray:
    """[2, samples] coordinates (McInnes et al. 2018)."""
    from umap import UMAP  # heavy

    neighbours = min(NEIGHBOURS, len(vectors) - 1)
    seed = number(settings.seed, "UMAP") % 2**32
    model = UMAP(n_neighbors=neighbours, init="pca", random_state=seed, n_jobs=1)
    return np.asarray(model.fit_transform(vectors), dtype=float).T


def draw(points: pd.DataFrame, measures: pd.DataFrame, projection: str, settings: Embed, folder: Path) -> None:
    """Two rows (before, after) of one panel per task, coloured by class."""
    silhouette = measures.set_index(["task", "when"])["silhouette"]
    tasks = points["task"].unique()
    figure, axes = plt.subplots(2, len(tasks), figsize=(3.6 * len(tasks), 7), squeeze=False)
    for row, when in enumerate(WHEN):
        for column, name in enumerate(tasks):
            panel = points[(points["task"] == name) & (points["when"] == when)]
            draw_panel(axes[row][column], panel, f"{name}, {when}", silhouette[name, when])
    figure.suptitle(
        f"Figure 1: {settings.samples} dev examples of each task before and after pre-training "
        f"({settings.method}), {projection}"
    )
    drawing.save(figure, folder, FIGURES[projection])


def draw_panel(axes: Axes, panel: pd.DataFrame, title: str, silhouette: float) -> None:
    low, high = int(panel["class"].min()), int(panel["class"].max())
    count = high - low + 1
    colours = ListedColormap(plt.get_cmap("viridis")(np.linspace(0, 0.95, count)))
    norm = BoundaryNorm(np.arange(low - 0.5, high + 1), count)
    shown = axes.scatter(panel["x"], panel["y"], c=panel["class"], cmap=colours, norm=norm, s=22)
    axes.set(title=f"{title}: silhouette {silhouette:.3f}", xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    axes.figure.colorbar(shown, ax=axes, ticks=range(low, high + 1), shrink=0.7, label="class")
