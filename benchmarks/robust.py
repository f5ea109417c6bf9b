"""Training under stress: few rows, wrong labels, rare classes, one cell of the design after the other (`make robust`).

Each cell is a whole run of what params.yaml has with other `data.worsened`, kept as docs/runs/robust-CELL. A cell that
is kept already is passed over, and one that was interrupted goes on, so the command can be given again at any time.
"""

from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks import cells, options
from benchmarks.cells import Cell
from benchmarks.robust_curves import WHOLE, draw
from protomtl.core.files import read_json
from protomtl.core.paths import KEPT
from protomtl.core.sections import PARAMS
from protomtl.data.worsened import has_next
from protomtl.params import Params
from protomtl.publishing.kept import TABLES

NAME = "robust"
RESULTS = Path(__file__).parent / "results"
CELLS: dict[str, dict[str, Any]] = {
    WHOLE: {},
    **{f"wrong{p}": {"wrong_labels": p / 100} for p in (20, 40)},
    **{f"next{p}": {"wrong_labels": p / 100, "to": "next"} for p in (20, 40)},
    **{f"rare{ratio}": {"imbalance": ratio} for ratio in (10, 50)},
    **{f"rows{n}": {"rows": n} for n in (1024, 256, 64, 16)},
}
# Not where rows are worse: `concat` has fewer updates than the others, and `leave_one_out` stands for both prototypes.
WHOLE_ONLY = ("concat", "prototypical")


def design(params: Params, name: str = NAME) -> list[Cell]:
    """All cells, to be kept as NAME-CELL. Only the whole data have all texts under stress, and a report.

    SystemExit if rows are worse already.
    """
    if params.data.worsened.active:
        raise SystemExit(
            f"{PARAMS}: data.worsened: is set already; `git checkout {PARAMS}`, then `protomtl preset robust`"
        )
    methods = [method for method in params.methods if method not in WHOLE_ONLY]
    unordered = [task for task, block in params.tasks.items() if not has_next(block)]
    found = [Cell(f"{name}-{WHOLE}", {}, ("results/report",))]
    for cell, worsened in CELLS.items():
        patch = {"data": {"worsened": worsened}, "methods": methods, "perturb": {"rows": 300}}
        wanting = unordered if worsened.get("to") == "next" else []
        why = f"the classes of tasks.{wanting[0]} have no order" if wanting else ""
        found += [Cell(f"{name}-{cell}", patch, left_out=why)] if cell != WHOLE else []
    return found


def table(name: str = NAME) -> pd.DataFrame:
    """A row for each kept cell and method: what was done to the rows, and the test figures with their intervals."""
    found = []
    for cell in CELLS:
        folder = KEPT / f"{name}-{cell}"
        if (path := folder / TABLES["test"]).exists():
            about = read_json(folder / "about.json").get("worsened", {})
            done = {key: about.get(key) for key in ("rows", "wrong_labels", "to", "imbalance")}
            found.append(pd.read_csv(path).assign(cell=cell, **done))
    if not found:
        raise SystemExit(f"{KEPT / name}-{WHOLE}: no cell is kept yet; `make robust` computes them")
    whole = pd.concat(found, ignore_index=True)
    figures = [figure for column in whole if (figure := column.removesuffix("_low")) != column]
    columns = [f"{figure}{end}" for figure in figures for end in ("", "_sd", "_low", "_high")]
    columns = [column for column in columns if column in whole]
    return whole[["cell", "rows", "wrong_labels", "to", "imbalance", "method", "label", *columns, "seeds"]]


def main(name: str, only_draw: bool) -> None:
    if not only_draw:
        cells.run(partial(design, name=name))
    rows = table(name)
    RESULTS.mkdir(exist_ok=True)
    rows.to_csv(RESULTS / f"{name}.csv", index=False, lineterminator="\n")
    draw(rows, RESULTS / f"{name}.png")
    print(f"{RESULTS / name}.csv, {RESULTS / name}.png")


if __name__ == "__main__":
    parser = cells.parser(__spec__.name, __doc__, NAME)
    parser.add_argument("--draw", action="store_true", help="compute nothing: the curves of the cells that are kept")
    arguments = parser.parse_args()
    with options.in_words():
        main(arguments.name, arguments.draw)
