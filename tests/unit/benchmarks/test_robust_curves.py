"""The picture of training under stress: who is who, and how sure a point is."""

from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure

from benchmarks import robust, robust_curves

METHODS = ("concat", "leave_one_out")


def rows_of(*cells: str) -> pd.DataFrame:
    """Two methods in each cell: 0.5, with an interval of ± 0.2 over examples and a deviation of 0.1 over seeds."""
    figures = {"overall": 0.5, "overall_sd": 0.1, "overall_low": 0.3, "overall_high": 0.7}
    found = [
        {"cell": cell, "method": method, "label": f"{method}, as many updates as both phases"}
        | {key: robust.CELLS[cell].get(key) for key in ("rows", "wrong_labels", "imbalance")}
        | figures
        for cell in cells
        for method in METHODS
    ]
    return pd.DataFrame(found).astype(dict.fromkeys(("rows", "wrong_labels", "imbalance"), float))


def drawn(rows: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> Figure:
    """The picture, before it is a file."""
    figures: list[Figure] = []
    monkeypatch.setattr(robust_curves, "save_png", lambda figure, path: figures.append(figure))
    robust_curves.draw(rows, Path("robust.png"))
    figures[0].draw_without_rendering()
    return figures[0]


@pytest.mark.parametrize("cells", [["whole", "wrong20"], [*robust.CELLS]], ids=["one panel", "all"])
def test_the_legend_is_within_the_picture_and_says_what_each_bar_is(
    cells: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = rows_of(*cells)
    (legend,) = (figure := drawn(rows, monkeypatch)).legends
    inner, outer = legend.get_window_extent(), figure.bbox
    assert outer.x0 <= inner.x0 and inner.x1 <= outer.x1 and outer.y0 <= inner.y0 and inner.y1 <= outer.y1
    said = [text.get_text() for text in legend.get_texts()]
    bars = ["95 % interval over examples", "mean ± standard deviation over seeds"]
    assert said == [*rows["label"].unique(), *bars]


def test_markers_tell_methods_apart_and_two_bars_stand_at_each_point(monkeypatch: pytest.MonkeyPatch) -> None:
    (panel,) = drawn(rows_of("whole", "wrong20"), monkeypatch).axes
    assert len({line.get_marker() for line in panel.lines}) == len(panel.lines) == len(METHODS)
    ends = [[path.vertices[:, 1].tolist() for path in bars.get_paths()] for bars in panel.collections]
    assert ends == [[pytest.approx(reach)] * 2 for reach in ([0.3, 0.7], [0.4, 0.6])] * 2
    assert [tick.get_text() for tick in panel.get_xticklabels()] == ["0", "0.2"]


def test_one_seed_has_no_deviation(monkeypatch: pytest.MonkeyPatch) -> None:
    figure = drawn(rows_of("rows16", "rows64").assign(overall_sd=float("nan")), monkeypatch)
    assert [text.get_text() for text in figure.legends[0].get_texts()][-1] == "95 % interval over examples"
