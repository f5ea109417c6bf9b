"""Question (b) of docs/research/questions.md: few rows of a task, on three data splits, one cell after the other
(`make low-data`).

Each cell is a run of what params.yaml has with other `data.split_seed` and `data.worsened`, kept as
docs/runs/low-data-SPLIT-ROWS. A cell that is kept already is passed over, and one that was interrupted goes on.
"""

from functools import partial

from benchmarks import cells, options
from benchmarks.cells import Cell
from protomtl.core.paths import KEPT
from protomtl.params import Params
from protomtl.publishing import questions

NAME = "low-data"
SPLITS = (2024, 2025, 2026)  # each with a draw of rows of its own: 1, 2, 3


def design(params: Params, name: str = NAME) -> list[Cell]:
    """Every number of rows that the question has, on each split; one split is whole before the next begins."""
    rows = questions.read(KEPT.parent / questions.QUESTIONS)["b"].rows or []
    return [
        Cell(f"{name}-{draw}-{n}", {"data": {"split_seed": split, "worsened": {"rows": n, "seed": draw}}})
        for draw, split in enumerate(SPLITS, 1)
        for n in rows
    ]


if __name__ == "__main__":
    arguments = cells.parser(__spec__.name, __doc__, NAME).parse_args()
    with options.in_words():
        cells.run(partial(design, name=arguments.name))
