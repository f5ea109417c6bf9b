"""The prototypical loss with 10,000 classes: seconds of its forward and backward pass, and the memory it takes.

    python -m benchmarks.many_classes [ROWS...]

Each case has a process of its own with one thread, as a job of the pipeline, and draws embeddings and labels at random.
For the prototypes of an epoch all classes were seen before. Seconds are a processor's. Figures go to
benchmarks/results/many_classes.json.
"""

import itertools
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import measure, options
from benchmarks.measure import RESULTS
from protomtl import params
from protomtl.core.files import write_json
from protomtl.core.settings import SPLITS
from protomtl.tasks.settings import Task
from protomtl.training.prototypical_loss import PrototypicalLoss, Rows

ROWS, CLASSES, WIDTH = (512, 4_096, 16_384), 10_000, 384
KINDS, DISTANCES = ("batch", "leave_one_out", "episode", "epoch"), ("euclidean", "squared_euclidean", "cosine")
LIMIT = 600  # seconds of one case
Row = dict[str, Any]


def main(sizes: list[int]) -> None:
    rows: list[Row] = []
    for size, distance, kind in itertools.product(sizes, DISTANCES, KINDS):
        case = {"rows": size, "prototypes": kind, "distance": distance}
        words = [str(value) for value in case.values()]
        found, said = measure.command(sys.executable, "-m", __spec__.name, "--case", *words, limit=LIMIT)
        figures = {} if "unfinished" in found else json.loads(said.splitlines()[-1])
        rows.append({**case, **found, **figures})
        print(rows[-1], flush=True)
    write_json(RESULTS / "many_classes.json", rows)
    print(table(rows))


def case(size: int, kind: str, distance: str) -> Row:
    """One loss and its gradient."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    settings = params.load(measure.ROOT / "params.yaml").pretrain
    settings = settings.model_copy(update={"distance": distance})
    files = {split: f"{split}.csv" for split in SPLITS}
    block = {"kind": "classification", "classes": CLASSES, "texts": ["text"], "label": "label", "files": files}
    train = Rows(np.arange(CLASSES), no_vectors)
    loss = PrototypicalLoss(Task.model_validate(block), settings, kind, WIDTH, 1_000_000, train)
    if kind == "epoch":
        loss.sums, loss.counts = torch.randn(CLASSES, WIDTH), torch.ones(CLASSES)
        loss.done += 1
    embeddings, labels = torch.randn(size, WIDTH, requires_grad=True), torch.randint(0, CLASSES, (size,))
    before, begin = peak(), time.process_time()
    value = loss(embeddings, labels)
    forward = time.process_time() - begin
    value.backward()
    return {"forward": forward, "backward": time.process_time() - begin - forward, "taken": round(peak() - before)}


def no_vectors(rows: np.ndarray) -> torch.Tensor:
    """None of these prototypes needs the train split."""
    raise NotImplementedError


def peak() -> float:
    """Megabytes that this process held at most so far."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1e3


def table(rows: list[Row]) -> str:
    """Markdown: milliseconds a row and the memory of each case."""
    lines = [
        "| rows | distance | prototypes | forward s | backward s | ms a row | MB |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        head = f"| {row['rows']:,} | {row['distance']} | {row['prototypes']} |"
        if "unfinished" in row:
            lines.append(f"{head} not done in {LIMIT} s | | | {row['megabytes']:,} |")
            continue
        each = 1000 * (row["forward"] + row["backward"]) / row["rows"]
        lines.append(f"{head} {row['forward']:.2f} | {row['backward']:.2f} | {each:.2f} | {row['taken']:,} |")
    return "\n".join(lines)


if __name__ == "__main__":
    parser = options.parser(__spec__.name, __doc__)
    parser.add_argument("rows", metavar="ROWS", nargs="*", type=options.count, help=f"{ROWS} without one")
    parser.add_argument(
        "--case", nargs=3, metavar=("ROWS", "PROTOTYPES", "DISTANCE"), help="one, as this program calls itself"
    )
    given = parser.parse_args()
    with options.in_words():
        if given.case:
            print(json.dumps(case(int(given.case[0]), *given.case[1:])))
        else:
            main(given.rows or list(ROWS))
