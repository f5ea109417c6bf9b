"""What all figures share: the look, and files that are equal byte by byte when the figure is."""

from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
from matplotlib.figure import Figure

matplotlib.use("Agg")
plt.rcParams.update(
    {
        "svg.hashsalt": "protomtl",  # else the ids in an SVG are random
        "svg.fonttype": "none",
        "text.parse_math": False,  # a dollar in a name is one
        "font.size": 9,
        "axes.titlesize": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "figure.constrained_layout.use": True,
    }
)
OURS, PAPER = "#2f6f9f", "#c9c9c9"
LONGEST = 18  # letters of a name on an axis


def shortened(name: object) -> str:
    """A name for an axis."""
    text = str(name)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def save(figure: Figure, folder: Path, name: str) -> None:
    """Write NAME.png and NAME.svg into `folder`."""
    figure.savefig(folder / f"{name}.svg", metadata={"Date": None, "Creator": None})
    save_png(figure, folder / f"{name}.png")


def save_png(figure: Figure, path: Path, dpi: int = 150) -> None:
    """Write a picture of `dpi` dots per inch, and close the figure."""
    figure.savefig(path, dpi=dpi, format="png", metadata={"Software": None})
    plt.close(figure)
