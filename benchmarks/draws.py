"""Drawing the rows of a step: seconds of the first step, which draws an order, and of later ones; memory.

    python -m benchmarks.draws

Each case has a process of its own. Seconds are a processor's. Figures go to benchmarks/results/draws.json.
"""

import itertools
import json
import sys
import time
from collections.abc import Callable
from typing import Any

from benchmarks import measure, options
from benchmarks.measure import RESULTS
from protomtl import params
from protomtl.core.files import write_json
from protomtl.core.markdown import markdown_table
from protomtl.training import sampling

CASES = [(1, 10_000_000), (1, 240_000_000), (50, 96_000), (50, 4_800_000)]  # tasks, rows of each
MODES = ("longest", "proportional")
STEPS = 20
Row = dict[str, Any]


def main() -> None:
    rows = []
    for (tasks, size), mode in itertools.product(CASES, MODES):
        found, said = measure.command(sys.executable, "-m", __spec__.name, "--case", str(tasks), str(size), mode)
        rows.append({"tasks": tasks, "rows": size, "sampling": mode, **found, **json.loads(said)})
        print(rows[-1], flush=True)
    write_json(RESULTS / "draws.json", rows)
    print(table(rows))


def case(tasks: int, size: int, mode: str) -> Row:
    """Seconds of the first step and of one of the next."""
    sizes = {f"task{number}": size for number in range(tasks)}
    settings = params.load(measure.ROOT / "params.yaml").pretrain.model_copy(update={"sampling": mode})
    steps = sampling.steps_per_epoch(sizes, settings)
    first, *later = (
        seconds(lambda step=step: sampling.draw(sizes, settings, 1, 0, step, steps)) for step in range(STEPS)
    )
    return {"first": first, "later": sum(later) / len(later)}


def seconds(function: Callable[[], Any]) -> float:
    begin = time.process_time()
    function()
    return time.process_time() - begin


def table(rows: list[Row]) -> str:
    """Markdown: a line a case."""
    cells = []
    for row in rows:
        figures = (f"{row['first']:.2f}", f"{1000 * row['later']:.2f}", f"{row['megabytes']:,}")
        cells.append([f"{row['tasks']} × {row['rows']:,}", f"`{row['sampling']}`", *figures])
    return markdown_table(["tasks × rows", "sampling", "first step s", "a later one ms", "MB"], cells)


if __name__ == "__main__":
    parser = options.parser(__spec__.name, __doc__)
    parser.add_argument(
        "--case", nargs=3, metavar=("TASKS", "ROWS", "SAMPLING"), help="one, as this program calls itself"
    )
    with options.in_words():
        if one := parser.parse_args().case:
            print(json.dumps(case(int(one[0]), int(one[1]), one[2])))
        else:
            main()
