"""Is the cost linear and the memory flat? Pairs through prepare, tokens and training, texts through predict and encode.

    python -m benchmarks.flat [MOST]

Sizes are 4,000 to 400,000 pairs and 10,000 to a million texts, none above MOST. The encoder is a random BERT of two
layers and 32 dimensions, the texts are of 21 words: nothing is downloaded, and what is seen is the program, not the
arithmetic. Each command runs in a process of its own. Figures go to benchmarks/results/flat.json and flat.png.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import measure, options, picture, scale, workload
from benchmarks.measure import RESULTS
from protomtl.core.files import write_json
from protomtl.core.markdown import markdown_table
from tests.support.makers import WORDS, make_backbone, make_workdir, patch_params, sentence
from tests.support.steps import run_all

PAIRS, TEXTS = (4_000, 40_000, 400_000), (10_000, 100_000, 1_000_000)
TRAINED = 30  # steps
HELD_OUT = 200  # pairs of dev and of test
STREAMS = {  # what a million texts go through, and what is written
    "predict": ("predict", "--task", "sst", "--output", "scored.csv"),
    "encode": ("encode", "--output", "vectors.npy"),
}
Row = dict[str, Any]


def main(most: int) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        backbone = make_backbone(Path("backbone").resolve())
        Path("model").mkdir()
        export(Path("model").resolve(), backbone)
        rows = [row for size in TEXTS if size <= most for row in streams(size)]
        pipeline = Path(scratch, "pipeline")
        pipeline.mkdir()
        make_workdir(pipeline, backbone)
        os.chdir(pipeline)
        rows += [row for size in PAIRS if size <= most for row in steps(size)]
    write_json(RESULTS / "flat.json", {"hardware": workload.hardware("cpu"), "rows": rows})
    picture.flat(rows, RESULTS / "flat.png")
    print(table(rows))


def export(folder: Path, backbone: Path) -> None:
    """A trained model, by a process of its own: a process counts what it held before."""
    code = "import sys; from pathlib import Path; from benchmarks import flat; flat.train(*map(Path, sys.argv[1:]))"
    path = os.pathsep.join([str(measure.ROOT / "src"), str(measure.ROOT)])
    command = [sys.executable, "-c", code, str(folder), str(backbone)]
    subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, stdout=subprocess.DEVNULL, check=True)


def train(folder: Path, backbone: Path) -> None:
    """All of the pipeline for one method, in a few steps; the model is left in results/export."""
    os.chdir(make_workdir(folder, backbone))
    patch_params(Path(), {"methods": ["prototypical"]})
    run_all()


def streams(size: int) -> Iterator[Row]:
    """So many texts through each command."""
    random = np.random.default_rng(1)
    with Path("texts.txt").open("w", encoding="utf-8") as file:
        file.writelines(f"{' '.join(random.choice(WORDS, int(random.integers(2, 21))))}\n" for _ in range(size))
    for name, words in STREAMS.items():
        given = ("--model", "model/results/export", "--input", "texts.txt")
        yield row(size, name, *words, *given)


def steps(size: int) -> Iterator[Row]:
    """So many pairs through the steps, and a training."""
    random = np.random.default_rng(1)
    moods = np.array(["cat", "dog"])
    pairs = [
        {"text_a": sentence(random, a), "text_b": sentence(random, b), "label": int(a == b)}
        for a, b in random.choice(moods, (min(size, 20_000), 2))
    ]
    held_out = pairs[:HELD_OUT]
    scale.write(Path("data/own"), {"train": pairs, "dev": held_out, "test": held_out}, size)
    scale.keep_only("para")
    training = {"epochs": 1, "steps_per_epoch": TRAINED, "batch_size": 32}
    patch_params(Path(), {"methods": ["prototypical"], "pretrain": training, "finetune": training})
    for step in ("download", "backbone", "prepare", "tokens"):
        yield row(size, step, step)
    for step in ("pretrain", "finetune"):
        yield row(size, step, step, "--method", "prototypical", "--seed", "1")


def row(size: int, name: str, *words: str) -> Row:
    """The figures of one command."""
    figures, _ = measure.command(sys.executable, "-m", "protomtl", *words)
    found = {"rows": size, "what": name, **figures}
    print(found, flush=True)
    return found


def table(rows: list[Row]) -> str:
    """Markdown: processor seconds and MB of each command at each size."""
    tables = []
    for sizes, names in ((TEXTS, [*STREAMS]), (PAIRS, ["prepare", "tokens", "pretrain", "finetune"])):
        known = [size for size in sizes if any(row["rows"] == size and row["what"] == names[0] for row in rows)]
        of = {(row["what"], row["rows"]): (f"{row['processor']:.1f}", f"{row['megabytes']}") for row in rows}
        cells = [[name, *(cell for size in known for cell in of[name, size])] for name in names]
        tables.append(markdown_table(["", *(head for size in known for head in (f"{size:,}: s", "MB"))], cells))
    return "\n\n".join(tables)


if __name__ == "__main__":
    parser = options.parser(__spec__.name, __doc__)
    parser.add_argument(
        "most", metavar="MOST", nargs="?", type=options.count, default=max(TEXTS), help="pairs or texts"
    )
    with options.in_words():
        main(parser.parse_args().most)
