"""The picture of curves, from curves that are written by hand."""

from pathlib import Path
from typing import Any

import pytest

from protomtl.core.paths import results
from protomtl.core.runs import Run
from protomtl.core.settings import Method
from protomtl.plots import style
from protomtl.steps import figures


def test_overall_of_some_tasks_is_not_drawn_beside_that_of_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A method that trains `sts` alone has its figure as overall in its curve, by which its epoch is chosen."""
    monkeypatch.chdir(tmp_path)
    heads = {"both": ("overall,sst,sts", "0.6,0.5,0.7"), "only_sts": ("overall,sts", "0.9,0.9")}
    for name, (head, values) in heads.items():
        for kind, text in (("train", "step,loss_sts\n1,0.5\n"), ("dev", f"epoch,{head}\n1,{values}\n")):
            path = results(f"curves/{kind}", name, 1) / "curve.csv"
            path.parent.mkdir(parents=True)
            path.write_text(text)
    drawn: list[Any] = []
    monkeypatch.setattr(style, "save", lambda figure, *_: drawn.append(figure))
    blocks = {name: Method(label=name, source="test", pretrain=False, finetune={}) for name in heads}
    figures.draw_curves([Run(name, 1) for name in heads], blocks, ["sst", "sts"], tmp_path)
    *_, losses, overall = drawn[0].axes
    assert {line.get_label(): list(line.get_ydata()) for line in overall.lines} == {"both": [0.6], "only_sts": []}
    assert len(losses.lines) == 2
