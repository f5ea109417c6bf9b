"""The picture of Figure 1, of points that are made up."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from protomtl import params
from protomtl.plots import style
from protomtl.steps.embed import step
from tests.support import ROOT

TASKS = params.load(ROOT / "params.yaml").tasks


@pytest.mark.parametrize(("rows", "said"), [((100, 100), "100 dev examples"), ((24, 100), "24 to 100 dev examples")])
def test_the_picture_says_of_how_many_rows_it_is(
    rows: tuple[int, int], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dev split may have fewer than `embed.samples`."""
    tasks = {name: TASKS[name] for name in ("sst", "para")}
    each = [
        (name, when, k % 2, k, k) for name, n in zip(tasks, rows, strict=True) for when in step.WHEN for k in range(n)
    ]
    points = pd.DataFrame(each, columns=["task", "when", "class", "x", "y"])
    apart = pd.DataFrame(
        [(name, when, 0.1) for name in tasks for when in step.WHEN], columns=["task", "when", "silhouette"]
    )
    drawn: list[Any] = []
    monkeypatch.setattr(style, "save", lambda figure, *_: drawn.append(figure))
    step.draw(points, apart, "t-SNE", "prototypical", tasks, tmp_path)
    title = f"Figure 1: {said} of each task before and after pre-training (prototypical), t-SNE"
    assert drawn[0].get_suptitle() == title
