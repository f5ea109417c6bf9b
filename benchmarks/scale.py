"""Preparing, tokenising and training on 4,000 to 10 million pairs: seconds, memory, disk (8 GB at most).

    python -m benchmarks.scale [PAIRS...]

The pairs are the paraphrase pairs of the default data, repeated with other ids. Each step runs as its command.
"""

import csv
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from ruamel.yaml import YAML

from benchmarks import measure, options, workload
from benchmarks.measure import RESULTS
from protomtl.core.files import write_json
from protomtl.core.markdown import markdown_table
from protomtl.core.paths import PREPARED, RAW, TOKENS
from protomtl.core.settings import SPLITS
from tests.support.makers import patch_params

SIZES = (4_000, 40_000, 400_000, 10_000_000)
OUTPUTS = {"download": RAW, "prepare": PREPARED, "tokens": TOKENS}
TRAINED = 60  # steps; the first few are slow

TRAINING = (("pretrain", "--method", "unfrozen", "--seed", "1"), ("finetune", "--method", "unfrozen", "--seed", "1"))
Row = dict[str, Any]


def main(sizes: list[int]) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        shutil.copy(measure.ROOT / "params.yaml", ".")
        workload.prepare()
        splits = {split: pq.read_table(PREPARED / "para" / f"{split}.parquet").to_pylist() for split in SPLITS}
        patch_params(
            Path(),
            {
                "methods": ["unfrozen"],
                "data": {"source": "folder", "folder": "own"},
                "finetune": {"epochs": 1, "steps_per_epoch": TRAINED, "pair_encoding": "concat"},
            },
        )
        keep_only("para")
        rows: list[Row] = []
        for size in sizes:
            write(Path("own"), splits, size)
            rows += [measured(size, *step) for step in (("download",), ("prepare",), ("tokens",), *TRAINING)]
        write_json(RESULTS / "scale.json", rows)
    print(table(rows))


def keep_only(task: str) -> None:
    """Leave one task in params.yaml."""
    yaml, path = YAML(), Path("params.yaml")
    content = yaml.load(path)
    content["tasks"] = {task: content["tasks"][task]}
    yaml.dump(content, path)


def write(folder: Path, splits: dict[str, list[dict[str, object]]], size: int) -> None:
    """The user's own files: `size` training pairs, dev and test as they are."""
    folder.mkdir(exist_ok=True)
    for split, pairs in splits.items():
        with (folder / f"quora-{split}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["id", "sentence1", "sentence2", "is_duplicate"])
            for number in range(size if split == "train" else len(pairs)):
                pair = pairs[number % len(pairs)]
                writer.writerow([f"{split}-{number}", pair["text_a"], pair["text_b"], int(float(str(pair["label"])))])


def measured(size: int, *step: str) -> Row:
    """Run one step as a command; its figures, and the bytes that it leaves for each pair."""
    figures, _ = measure.command(sys.executable, "-m", "protomtl", *step)
    row = {"rows": size, "step": step[0], **figures}
    if step[0] in OUTPUTS:
        whole = sum(path.stat().st_size for path in OUTPUTS[step[0]].rglob("*") if path.is_file())
        row["bytes_per_row"] = round(whole / size, 1)
    print(row, flush=True)
    return row


def table(rows: list[Row]) -> str:
    """Markdown: a line a size; seconds on the clock, and those of processors in brackets."""
    head = ["pairs", "`prepare` s", "MB", "`tokens` s", "MB", "training MB", "bytes a pair: raw, prepared, tokens"]
    lines = []
    for size in dict.fromkeys(row["rows"] for row in rows):
        of = {row["step"]: row for row in rows if row["rows"] == size}
        prepare, tokenize = of["prepare"], of["tokens"]
        cells = [f"{size:,}"]
        for step in (prepare, tokenize):
            cells += [f"{step['seconds']:.1f} ({step['processor']:.1f})", f"{step['megabytes']}"]
        bytes_a_pair = ", ".join(f"{of[step]['bytes_per_row']:.0f}" for step in OUTPUTS)
        lines.append([*cells, f"{of['finetune']['megabytes']}", bytes_a_pair])
    return markdown_table(head, lines)


if __name__ == "__main__":
    parser = options.parser(__spec__.name, __doc__)
    parser.add_argument("sizes", metavar="PAIRS", nargs="*", type=options.count, help=f"{SIZES} without one")
    with options.in_words():
        main(parser.parse_args().sizes or list(SIZES))
