"""Step `figures`: training curves, Table 1 as bars beside the paper's, each method minus a reference."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from protomtl.analysis.verdicts import overall_against_first
from protomtl.core.files import atomic
from protomtl.core.paths import results
from protomtl.core.runs import Run, methods_of, read_runs, seeds_of
from protomtl.core.settings import Method
from protomtl.core.written import COMPARED, TABLE, read_rows, read_table
from protomtl.plots import style
from protomtl.plots.bars import draw_bars, draw_differences
from protomtl.tasks.settings import Task, main_tasks


def run(method: dict[str, Method], tasks: dict[str, Task]) -> None:
    """Write results/figures."""
    main, runs = list(main_tasks(tasks)), read_runs()
    folder = results("figures")
    with atomic(folder) as part:
        part.mkdir()
        draw_curves(runs, method, main, part)
        table = read_table(results("tables") / "table1.csv", TABLE)
        style.save(draw_bars(table), part, "table1")
        compared = overall_against_first(read_table(results("tables") / "comparisons.csv", COMPARED))
        if len(compared):
            style.save(draw_differences(compared, table), part, "differences")
    print(f"figures: {', '.join(sorted(p.name for p in folder.glob('*.png')))}")


def curve(kind: str, method: str, seeds: list[int]) -> pd.DataFrame:
    """The mean over seeds of a method's curve, `train` or `dev`, as far as all seeds go: some may end early."""
    runs = [read_rows(results(f"curves/{kind}", method, seed) / "curve.csv") for seed in seeds]
    return pd.concat(runs).groupby(level=0).mean().head(min(map(len, runs)))


def draw_curves(runs: list[Run], blocks: dict[str, Method], tasks: list[str], folder: Path) -> None:
    """Training loss of each task (running mean), and dev overall of each method that trains all tasks."""
    methods, seeds = methods_of(runs), seeds_of(runs)
    figure, axes = plt.subplots(1, len(tasks) + 1, figsize=(4 * (len(tasks) + 1), 5))
    colours = plt.get_cmap("tab20")(np.arange(len(methods)) % 20)
    epochs: set[int] = set()
    for name, colour in zip(methods, colours, strict=True):
        train, dev = curve("train", name, seeds), curve("dev", name, seeds)
        epochs |= {*dev["epoch"]}
        smooth = train.rolling(max(1, len(train) // 10), min_periods=1).mean()
        for panel, task in zip(axes, tasks, strict=False):
            if f"loss_{task}" in smooth:  # else the method has not trained it
                panel.plot(train["step"], smooth[f"loss_{task}"], color=colour, lw=1.3)
        dev = dev if {*tasks} <= {*dev} else dev.head(0)  # of a method of some tasks `overall` is another figure
        axes[-1].plot(dev["epoch"], dev["overall"], color=colour, lw=1.3, marker="o", label=blocks[name].label)
    for panel, task in zip(axes, tasks, strict=False):
        panel.set(title=f"{task}: training loss", xlabel="step", ylim=(0, None))
    axes[-1].set(title="dev overall", xlabel="epoch", xticks=sorted(epochs))
    figure.legend(loc="outside lower center", ncols=5, frameon=False)
    style.save(figure, folder, "curves")
