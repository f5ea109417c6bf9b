"""Step `embed`: Figure 1, t-SNE of dev samples of each task before and after pre-training."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from sklearn.manifold import TSNE
from sklearn.metrics import silhouette_score

from protomtl import drawing
from protomtl.config import Backbone, Compute, Embed, Pretrain, Task, main_tasks
from protomtl.encoder import Encoder, embed_table
from protomtl.files import atomic, read_json, write_json
from protomtl.model import starting_encoder
from protomtl.paths import BACKBONE, EMBED, PRETRAIN, TOKENS, run_folder
from protomtl.prototypes import class_labels
from protomtl.random import generator, number
from protomtl.tokens import TokenTable


def run(embed: Embed, tasks: dict[str, Task], backbone: Backbone, compute: Compute) -> None:
    """Write results/embed: figure1 (PNG, SVG), its points (CSV) and its silhouette scores (JSON)."""
    tasks = main_tasks(tasks)
    source = run_folder(PRETRAIN, embed.method, embed.seed)
    after = starting_encoder(source)
    settings = None if after == BACKBONE else Pretrain.model_validate(read_json(source / "config.json")["pretrain"])
    concat = settings is not None and settings.pair_encoding == "concat"
    points, scores = [], {}
    for when, folder in (("before", BACKBONE), ("after", after)):
        encoder = Encoder(folder, backbone.pooling, compute)
        for name, task in tasks.items():
            rows, vectors, classes = sample(encoder, name, task, embed, concat)
            scores[f"{name} {when}"] = round(float(silhouette_score(vectors, classes)), 4)
            flat = tsne(vectors, embed)
            points += [
                {"task": name, "when": when, "row": r, "class": c, "x": round(float(x), 4), "y": round(float(y), 4)}
                for r, c, (x, y) in zip(rows, classes, flat, strict=True)
            ]
    table = pd.DataFrame(points)
    with atomic(EMBED) as part:
        part.mkdir()
        table.to_csv(part / "figure1.csv", index=False, lineterminator="\n")
        write_json(part / "silhouette.json", scores)
        draw(table, scores, tasks, embed, part)
    print("silhouette: " + ", ".join(f"{name} {score:.3f}" for name, score in scores.items()))


def sample(
    encoder: Encoder, name: str, task: Task, settings: Embed, concat: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, embeddings [samples, width] and classes of random dev examples; pairs as in pre-training."""
    dev = TokenTable(TOKENS, name, "dev")
    size = min(settings.samples, len(dev))
    rows = np.sort(generator(settings.seed, "figure 1", name).choice(len(dev), size, replace=False))
    vectors = torch.stack(embed_table(encoder, dev, concat, rows)).sum(0).cpu().numpy()
    return rows, vectors, class_labels(task, torch.from_numpy(dev.labels[rows])).numpy()


def tsne(vectors: np.ndarray, settings: Embed) -> np.ndarray:
    """[samples, 2] coordinates (van der Maaten and Hinton 2008)."""
    perplexity = min(settings.perplexity, (len(vectors) - 1) / 3)
    seed = number(settings.seed, "t-SNE") % 2**32
    flat: np.ndarray = TSNE(perplexity=perplexity, init="pca", random_state=seed, n_jobs=1).fit_transform(vectors)
    return flat


def draw(table: pd.DataFrame, scores: dict[str, float], tasks: dict[str, Task], settings: Embed, folder: Path) -> None:
    """Two rows (before, after) of one panel per task, coloured by class."""
    figure, axes = plt.subplots(2, len(tasks), figsize=(3.6 * len(tasks), 7), squeeze=False)
    for row, when in enumerate(("before", "after")):
        for column, name in enumerate(tasks):
            panel = table[(table["task"] == name) & (table["when"] == when)]
            draw_panel(axes[row][column], panel, f"{name}, {when}", scores[f"{name} {when}"])
    figure.suptitle(
        f"Figure 1: {settings.samples} dev examples of each task before and after pre-training "
        f"({settings.method}), t-SNE"
    )
    drawing.save(figure, folder, "figure1")


def draw_panel(axes: Axes, panel: pd.DataFrame, title: str, silhouette: float) -> None:
    low, high = int(panel["class"].min()), int(panel["class"].max())
    count = high - low + 1
    colours = ListedColormap(plt.get_cmap("viridis")(np.linspace(0, 0.95, count)))
    norm = BoundaryNorm(np.arange(low - 0.5, high + 1), count)
    shown = axes.scatter(panel["x"], panel["y"], c=panel["class"], cmap=colours, norm=norm, s=22)
    axes.set(title=f"{title}: silhouette {silhouette:.3f}", xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    axes.figure.colorbar(shown, ax=axes, ticks=range(low, high + 1), shrink=0.7, label="class")
