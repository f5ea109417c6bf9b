"""Training under stress: few rows, wrong labels, rare classes, one cell of the design after the other (`make robust`).

Each cell is a whole run of what params.yaml has with other `data.worsened`, kept as docs/runs/robust-CELL. A cell that
is kept already is passed over, and one that was interrupted goes on, so the command can be given again at any time.
"""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes

from benchmarks import options
from benchmarks.children import asked_to_end, started
from protomtl.commands.keep import keep
from protomtl.commands.preset import lay_over
from protomtl.core.files import read_json
from protomtl.core.paths import KEPT
from protomtl.core.sections import PARAMS
from protomtl.own_data.writing import edited, rewritten
from protomtl.params import load
from protomtl.plots.style import save_png
from protomtl.publishing.kept import TABLES

RESULTS = Path(__file__).parent / "results"
WHOLE = "whole"  # the cell whose training rows are as they are
CELLS: dict[str, dict[str, Any]] = {
    WHOLE: {},
    **{f"wrong{p}": {"wrong_labels": p / 100} for p in (20, 40)},
    **{f"next{p}": {"wrong_labels": p / 100, "to": "next"} for p in (20, 40)},
    **{f"rare{ratio}": {"imbalance": ratio} for ratio in (10, 50)},
    **{f"rows{n}": {"rows": n} for n in (1024, 256, 64, 16)},
}
# Not where rows are worse: `concat` has fewer updates than the others, and `leave_one_out` stands for both prototypes.
WHOLE_ONLY = ("concat", "prototypical")
# A panel: its title, the key of `worsened` on its axis, where it is as the data are, and which cells are in it.
PANELS = (
    ("training rows of a task", "rows", ("rows",)),
    ("share of wrong labels, any other", "wrong_labels", ("wrong",)),
    ("share of wrong labels, the next one", "wrong_labels", ("next",)),
    ("rows of the largest class for one of the rarest", "imbalance", ("rare",)),
)
TARGETS = ("results/tables", "results/ensemble")  # what `keep` needs


def kept(cell: str) -> Path:
    return KEPT / f"robust-{cell}"


@contextmanager
def set_to(cell: str) -> Iterator[None]:
    """params.yaml with what the cell says, and then as it was, also where the process is asked to end. Only the whole
    data have all texts under stress."""
    content, before = edited(PARAMS)
    patch: dict[str, Any] = {"data": {"worsened": CELLS[cell]}}
    if cell != WHOLE:
        methods = [method for method in load().methods if method not in WHOLE_ONLY]
        patch |= {"methods": methods, "perturb": {"rows": 300}}
    lay_over(content, patch)
    sound = False
    with asked_to_end():
        try:
            with rewritten(PARAMS, content, before) as part:
                load(part)
                sound = True
            yield
        finally:
            if sound and PARAMS.read_bytes() != before:  # a full disk may have kept it as it was
                PARAMS.write_bytes(before)


def compute(cell: str) -> None:
    """All that is to be kept of a cell, by Snakemake; the whole data also get their report."""
    targets = [*TARGETS, "results/report"] if cell == WHOLE else TARGETS
    with started("snakemake", "--cores", str(os.cpu_count() or 1), *targets) as running:
        if status := running.wait():
            raise subprocess.CalledProcessError(status, running.args)


def keep_aside(name: str) -> None:
    """As docs/runs/NAME, and no part of the page of findings: its question is another one."""
    keep(name, findings=False)


def run(compute: Callable[[str], None] = compute, keep: Callable[[str], None] = keep_aside) -> None:
    """The cells that are not kept yet. SystemExit if rows are worse already, or kept cells are of other data."""
    if load().data.worsened.active:
        raise SystemExit(
            f"{PARAMS}: data.worsened: is set already; `git checkout {PARAMS}`, then `protomtl preset robust`"
        )
    source = load().data.source
    for number, cell in enumerate(CELLS, 1):
        if kept(cell).exists():
            if (theirs := read_json(kept(cell) / "about.json").get("data")) != source:
                raise SystemExit(
                    f"{kept(cell)}: is of data {theirs}, and {PARAMS} has {source}: give the kept cells other names"
                )
            print(f"{number} of {len(CELLS)}, {cell}: kept already in {kept(cell)}", flush=True)
            continue
        print(f"{number} of {len(CELLS)}, {cell} …", flush=True)
        with set_to(cell):
            compute(cell)
            keep(kept(cell).name)


def table() -> pd.DataFrame:
    """A row for each kept cell and method: what was done to the rows, and the test figures with their intervals."""
    found = []
    for cell in CELLS:
        if (path := kept(cell) / TABLES["test"]).exists():
            about = read_json(kept(cell) / "about.json").get("worsened", {})
            done = {key: about.get(key) for key in ("rows", "wrong_labels", "to", "imbalance")}
            found.append(pd.read_csv(path).assign(cell=cell, **done))
    if not found:
        raise SystemExit(f"{kept(WHOLE)}: no cell is kept yet; `make robust` computes them")
    whole = pd.concat(found, ignore_index=True)
    figures = [name for column in whole if (name := column.removesuffix("_low")) != column]
    columns = [f"{name}{end}" for name in figures for end in ("", "_sd", "_low", "_high") if f"{name}{end}" in whole]
    return whole[["cell", "rows", "wrong_labels", "to", "imbalance", "method", "label", *columns, "seeds"]]


def draw(rows: pd.DataFrame, path: Path) -> None:
    """A row of panels for each figure; a line a method, with 95 % intervals over examples, not over seeds."""
    figures = [column.removesuffix("_low") for column in rows if column.endswith("_low")]
    panels = [panel for panel in PANELS if rows["cell"].str.startswith(panel[2]).any()]
    if not panels:
        return
    size = 3.6 * len(panels), 2.8 * len(figures) + 0.8
    figure, axes = plt.subplots(len(figures), len(panels), figsize=size, squeeze=False, sharey="row")
    for name, line in zip(figures, axes, strict=True):
        for panel, (title, key, begin) in zip(line, panels, strict=True):
            curve(panel, rows, name, key, begin)
            panel.set(xlabel=title if name == figures[-1] else "", ylabel=name if panel is line[0] else "")
    figure.legend(*axes[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    save_png(figure, path)


def curve(panel: Axes, rows: pd.DataFrame, name: str, key: str, begin: tuple[str, ...]) -> None:
    """Each method's figure against one setting. The whole data are where no label is wrong and no class is rare; how
    many rows they are differs by task, so that a curve over rows is without them."""
    here = rows[rows["cell"].str.startswith(begin) | ((rows["cell"] == WHOLE) & (key != "rows"))]
    nothing = {"wrong_labels": 0.0, "imbalance": 1.0}.get(key, 0.0)
    methods = [*dict.fromkeys(here.loc[here["cell"] != WHOLE, "method"])]
    for place, method in enumerate(methods):
        own = here[here["method"] == method].fillna({key: nothing}).sort_values(key)
        beside = 0.01 * (place - len(methods) / 2)
        x = own[key] + beside if key == "wrong_labels" else own[key] * (1 + 3 * beside)
        colour = plt.get_cmap("tab10")(place % 10)
        panel.plot(x, own[name], color=colour, lw=1.3, marker="o", ms=3, label=own["label"].iloc[0])
        panel.vlines(x, own[f"{name}_low"], own[f"{name}_high"], color=colour, lw=0.8)
    if key != "wrong_labels":
        panel.set_xscale("log")
        ticks = sorted({*here[key].fillna(nothing)})
        panel.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        panel.minorticks_off()


def main(only_draw: bool) -> None:
    if not only_draw:
        run()
    rows = table()
    RESULTS.mkdir(exist_ok=True)
    rows.to_csv(RESULTS / "robust.csv", index=False, lineterminator="\n")
    draw(rows, RESULTS / "robust.png")
    print(f"{RESULTS / 'robust.csv'}, {RESULTS / 'robust.png'}")


if __name__ == "__main__":
    parser = options.parser(__spec__.name, __doc__)
    parser.add_argument("--draw", action="store_true", help="compute nothing: the curves of the cells that are kept")
    main(parser.parse_args().draw)
