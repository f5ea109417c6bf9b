"""Preparing, tokenising and training on 4,000 to 400,000 pairs: seconds, processors, memory.

    python -m benchmarks.scale

The pairs are the paraphrase pairs of the default data, repeated with other ids. Each step runs as its command.
"""

import csv
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow.parquet as pq
from ruamel.yaml import YAML

from benchmarks import workload
from protomtl.files import write_json
from protomtl.paths import PREPARED
from protomtl.schema import SPLITS
from tests.conftest import patch_params

ROOT = Path(__file__).parents[1]
SIZES = (4_000, 40_000, 400_000)
TRAINED = 60  # steps; the first few are slow

TRAINING = (("pretrain", "--method", "unfrozen", "--seed", "1"), ("finetune", "--method", "unfrozen", "--seed", "1"))


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        shutil.copy(ROOT / "params.yaml", ".")
        workload.prepare()
        splits = {split: pq.read_table(PREPARED / "para" / f"{split}.parquet").to_pylist() for split in SPLITS}
        patch_params(
            Path(),
            {
                "data": {"source": "folder", "folder": "own"},
                "finetune": {"epochs": 1, "steps_per_epoch": TRAINED, "pair_encoding": "concat"},
            },
        )
        keep_only("para")
        rows = []
        for size in SIZES:
            write(Path("own"), splits, size)
            rows += [measured(size, *step) for step in (("download",), ("prepare",), ("tokenize",), *TRAINING)]
        write_json(Path(__file__).with_suffix(".json"), rows)


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


def measured(size: int, *step: str) -> dict[str, object]:
    """Run one step as a command; wall seconds, processor seconds, and the largest memory of the process."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "protomtl", *step],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        stdout=subprocess.DEVNULL,
    )
    status, kilobytes = Path(f"/proc/{process.pid}/status"), 0
    while process.poll() is None:  # its own peak; wait4 would count what this process held when it forked
        held = re.search(r"VmHWM:\s+(\d+)", status.read_text())
        kilobytes = max(kilobytes, int(held[1]) if held else 0)
        time.sleep(0.02)
    seconds = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode:
        raise SystemExit(f"{step}: failed")
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    row = {
        "rows": size,
        "step": step[0],
        "seconds": round(seconds, 2),
        "cores": round(busy / seconds, 2),
        "megabytes": round(kilobytes / 1e3),
    }
    print(row, flush=True)
    return row


if __name__ == "__main__":
    main()
