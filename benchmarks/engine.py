"""Training and encoding, side by side with transformers' Trainer and sentence-transformers: `make bench`.

    python -m benchmarks.engine [REPEATS]

Each contender runs in a process of its own, all in turn, REPEATS times. Figures go to
benchmarks/results/engine.json and engine.png.
"""

import itertools
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import picture, workload
from benchmarks.measure import RESULTS
from protomtl.core.files import write_json

ROOT = Path(__file__).parents[1]
STEPS, CHECKED = 24, 10
CHECKS = ["protomtl-check", "trainer-check", "sentence_transformers-check"]
ROWS = [  # kind, contender, processes at once, threads of each, precision
    ("training", "protomtl", 1, 2, "bf16"),
    ("training", "trainer-best", 1, 2, "bf16"),
    ("training", "sentence_transformers-best", 1, 2, "bf16"),
    ("training", "protomtl-fp32", 1, 2, "fp32"),
    ("training", "trainer-default", 1, 2, "fp32"),
    ("training", "sentence_transformers-default", 1, 2, "fp32"),
    ("training", "protomtl", 2, 1, "bf16"),
    ("training", "trainer-best", 2, 1, "bf16"),
    ("passes", "protomtl", 1, 1, "bf16"),
    ("encoding", "protomtl", 1, 2, "bf16"),
    ("encoding", "sentence_transformers-best", 1, 2, "bf16"),
    ("encoding", "sentence_transformers-default", 1, 2, "fp32"),
]

Row = dict[str, Any]


def main(repeats: int) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        shutil.copy(ROOT / "params.yaml", scratch)
        os.chdir(scratch)
        workload.prepare()
        losses = [run("training", name, 1, 2, CHECKED)[0]["losses"] for name in CHECKS]
        apart = max(abs(a - b) / b for other in losses[1:] for a, b in zip(losses[0], other, strict=True))
        print(f"losses of {CHECKED} steps differ by {apart:.1e} at most", flush=True)
        if apart > 1e-3:
            raise SystemExit(f"the contenders do not compute the same: {losses}")
        rows, peaks = measured(repeats)
        frozen = run("frozen", "protomtl", 1, 1, STEPS)[0]
    print(table(rows))
    print(f"20 epochs of the frozen baseline, {frozen['sequences']} steps: {frozen['seconds']:.0f} s")
    print(f"as many steps through the encoder: {frozen['times']:.0f} times as long")
    results = {"cores": os.cpu_count(), "gemm_peak_gflops": peaks, "losses_apart": apart}
    results |= {"frozen": frozen, "rows": rows}
    write_json(RESULTS / "engine.json", results)
    picture.draw(rows, RESULTS / "engine.png", label)


def measured(repeats: int) -> tuple[list[Row], dict[str, float]]:
    """All rows with the figures of every repeat, and the GEMM peaks by precision and threads."""
    keys = ("kind", "name", "processes", "threads", "precision")
    rows: list[Row] = [dict(zip(keys, row, strict=True)) for row in ROWS]
    peaks: dict[str, float] = {}
    for repeat in range(repeats):
        for precision, threads in itertools.product(("bf16", "fp32"), (1, 2)):
            key = f"{precision}, {threads}"
            peaks[key] = max(peaks.get(key, 0), workload.peak(precision, threads) / 1e9)
        for row in rows:
            found = run(row["kind"], row["name"], row["processes"], row["threads"], STEPS)
            row.setdefault("per_second", []).append(sum(one["sequences"] / one["seconds"] for one in found))
            row.setdefault("gigabytes", []).append(max(one["gigabytes"] for one in found))
            row["gflop"] = found[0].get("gflop", 0) / found[0]["sequences"]
            print(f"repeat {repeat + 1}: {label(row)}: {row['per_second'][-1]:.0f}/s", flush=True)
    for row in rows:
        rate = statistics.median(row["per_second"]) * row["gflop"] / row["processes"]
        row["utilisation"] = rate / peaks[f"{row['precision']}, {row['threads']}"]
    return rows, peaks


def run(kind: str, name: str, processes: int, threads: int, steps: int) -> list[dict[str, Any]]:
    """The figures of one contender, run in `processes` processes at once."""
    command = [sys.executable, "-m", "benchmarks.contenders", kind, name, str(threads), str(steps)]
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    environment = {**os.environ, "PYTHONPATH": path, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "true"}
    started = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(processes)
    ]
    found = []
    for process in started:
        said, complaints = process.communicate()
        if process.returncode:
            raise SystemExit(f"{name}: {complaints[-2000:]}")
        found.append(json.loads(said.splitlines()[-1]))
    return found


def label(row: Row) -> str:
    name, _, variant = row["name"].partition("-")
    jobs = "two jobs of one thread" if row["processes"] == 2 else f"{row['threads']} threads"
    return f"{row['kind']}: {name}{', ' + variant if variant else ''} ({jobs})"


def table(rows: list[Row]) -> str:
    """Markdown: median and spread (smallest to largest) of each row."""
    lines = ["| | sequences/s | smallest to largest | of the GEMM peak | peak memory, GB |", "|---|---|---|---|---|"]
    for row in rows:
        rates = row["per_second"]
        share = f"{row['utilisation']:.0%}" if row["utilisation"] else ""
        spread = f"{min(rates):.0f} to {max(rates):.0f}"
        memory = f"{max(row['gigabytes']):.2f}"
        lines.append(f"| {label(row)} | {statistics.median(rates):.0f} | {spread} | {share} | {memory} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
