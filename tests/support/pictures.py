"""Pictures as steps make them, but rough: each is drawn once, as an SVG, and how well it shows is not looked at."""

import base64
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

DOT = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mP4DwABAQEAHLCMmQAAAABJRU5ErkJggg==")
EPOCHS = 11  # of UMAP, which takes 500 for so few points


def save(figure: Figure, folder: Path, name: str) -> None:
    """`style.save` without a layout, which takes longer than to draw, and without dots."""
    import matplotlib.pyplot as plt

    with plt.rc_context({"figure.constrained_layout.use": False}):
        figure.set_layout_engine(None)
    figure.savefig(folder / f"{name}.svg", metadata={"Date": None, "Creator": None})
    save_png(figure, folder / f"{name}.png")


def save_png(figure: Figure, path: Path, dpi: int = 0) -> None:
    """`style.save_png` that draws nothing."""
    import matplotlib.pyplot as plt

    path.write_bytes(DOT)
    plt.close(figure)


def umap(project: Callable[..., np.ndarray], vectors: np.ndarray, seed: int) -> np.ndarray:
    """`projection.umap` from where it begins, and not far from there (tests/unit/plots has it go all the way)."""
    import umap

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(umap, "UMAP", partial(umap.UMAP, n_epochs=EPOCHS))
        return project(vectors, seed)
