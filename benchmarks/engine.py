"""Training and encoding, side by side with transformers' Trainer and sentence-transformers: `make bench`.

    python -m benchmarks.engine [REPEATS [DEVICE]]

Each contender runs in a process of its own, all in turn, REPEATS times. The peers are measured in bf16 and in fp32:
their best is the faster one on this processor or card. Figures go to benchmarks/results/engine.json and engine.png, of
a GPU to engine-cuda.json and engine-cuda.png. `ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2
MKL_ENABLE_INSTRUCTIONS=AVX2` keeps all contenders to AVX2; figures then go to engine-avx2.json and engine-avx2.png.
"""

import itertools
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import torch

from benchmarks import options, picture, workload
from benchmarks.measure import RESULTS
from benchmarks.workload import held
from protomtl.core.files import write_json
from protomtl.model.device import precision_of
from protomtl.model.settings import Compute

ROOT = Path(__file__).parents[1]
STEPS, CHECKED = {"cpu": 24, "cuda": 120}, {"cpu": 10, "cuda": 30}  # checked: without dropout
PEERS = ("sentence_transformers", "accelerate")
CHECKS = ["protomtl-check", "trainer-check", "sentence_transformers-check"]
BEST = [("training", "trainer"), ("training", "sentence_transformers"), ("encoding", "sentence_transformers")]
ROWS = [  # kind, contender, processes at once, threads of each
    ("training", "protomtl", 1, 2),
    ("training", "trainer-best", 1, 2),
    ("training", "sentence_transformers-best", 1, 2),
    ("training", "protomtl-fp32", 1, 2),
    ("training", "trainer-default", 1, 2),
    ("training", "sentence_transformers-default", 1, 2),
    ("training", "protomtl", 2, 1),
    ("training", "trainer-best", 2, 1),
    ("passes", "protomtl", 1, 1),
    ("encoding", "protomtl", 1, 2),
    ("encoding", "sentence_transformers-best", 1, 2),
    ("encoding", "sentence_transformers-default", 1, 2),
]
ON_A_GPU = [row for row in ROWS if row[2] == 1 and row[0] != "passes"] + [("training", "protomtl-compiled", 1, 2)]

Row = dict[str, Any]


def main(repeats: int, device: str) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        shutil.copy(ROOT / "params.yaml", scratch)
        os.chdir(scratch)
        workload.prepare()
        results = checked(device)
        print(
            f"{results['hardware']}; losses of {CHECKED[device]} steps differ by {results['losses_apart']:.1e} at most"
        )
        fastest = {f"{kind} {name}": precision_of_best(kind, name, device) for kind, name in BEST}
        rows, peaks = measured(repeats, device, fastest)
        frozen = run("frozen", "protomtl", 1, 1, STEPS[device], device)[0]
    print(table(rows))
    print(f"20 epochs of the frozen baseline, {frozen['sequences']} steps: {frozen['seconds']:.0f} s")
    print(f"as many steps through the encoder: {frozen['times']:.0f} times as long")
    results |= {"best_is": fastest, "gemm_peak_gflops": peaks, "frozen": frozen, "rows": rows}
    name = "-".join(["engine", *([device] if device != "cpu" else []), *held()])
    write_json(RESULTS / f"{name}.json", results)
    picture.draw(rows, RESULTS / f"{name}.png", label)


def checked(device: str, batch: int = workload.BATCH) -> dict[str, Any]:
    """What computes, and how far the losses of all contenders are apart. SystemExit if they are not the same."""
    losses = [run("training", name, 1, 2, CHECKED[device], device, batch)[0]["losses"] for name in CHECKS]
    apart = max(abs(a - b) / b for other in losses[1:] for a, b in zip(losses[0], other, strict=True))
    if apart > 1e-3:
        raise SystemExit(f"the contenders do not compute the same: {losses}")
    return {"hardware": workload.hardware(device), "cores": os.cpu_count(), "losses_apart": apart}


@cache
def precisions(device: str) -> list[str]:
    """Those that may be the fastest here: where products of bf16 are emulated, a single step of it takes minutes."""
    peaks = {precision: workload.peak(precision, 1, device) for precision in ("bf16", "fp32")}
    print(", ".join(f"{precision}: {peak / 1e9:.0f} GFLOP/s" for precision, peak in peaks.items()), flush=True)
    return [precision for precision, peak in peaks.items() if peak > max(peaks.values()) / 4]


def precision_of_best(kind: str, name: str, device: str, batch: int = workload.BATCH) -> str:
    """The precision in which a peer is faster here."""
    if len(precisions(device)) == 1:
        return precisions(device)[0]
    speed = {}
    for precision in precisions(device):
        found = run(kind, f"{name}-{precision}", 1, 2, STEPS[device] // 2, device, batch)[0]
        speed[precision] = found["sequences"] / found["seconds"]
        print(f"{kind}: {name}, {precision}: {speed[precision]:.0f}/s", flush=True)
    return max(speed, key=lambda precision: speed[precision])


def measured(repeats: int, device: str, fastest: dict[str, str]) -> tuple[list[Row], dict[str, float]]:
    """All rows with the figures of every repeat, and the GEMM peaks by precision and threads.

    fastest: the precision of each peer's best, by "KIND NAME".
    """
    rows = [row_of(*row, device, fastest) for row in (ROWS if device == "cpu" else ON_A_GPU)]
    peaks: dict[str, float] = {}
    for repeat in range(repeats):
        for precision, threads in itertools.product(("bf16", "fp32"), (1, 2)):
            key = f"{precision}, {threads}"
            peaks[key] = max(peaks.get(key, 0), workload.peak(precision, threads, device) / 1e9)
        for row in rows:
            name = row["name"].replace("best", row["precision"])
            found = run(row["kind"], name, row["processes"], row["threads"], STEPS[device], device)
            row.setdefault("per_second", []).append(sum(one["sequences"] / one["seconds"] for one in found))
            row.setdefault("gigabytes", []).append(max(one["gigabytes"] for one in found))
            row["gflop"] = found[0].get("gflop", 0) / found[0]["sequences"]
            print(f"repeat {repeat + 1}: {label(row)}: {row['per_second'][-1]:.0f}/s", flush=True)
    for row in rows:
        rate = statistics.median(row["per_second"]) * row["gflop"] / row["processes"]
        row["utilisation"] = rate / peaks[f"{row['precision']}, {row['threads']}"]
    return rows, peaks


def row_of(kind: str, name: str, processes: int, threads: int, device: str, fastest: dict[str, str]) -> Row:
    """A row without figures. A peer's default is fp32, this project's what `auto` is."""
    contender, _, variant = name.partition("-")
    auto = Compute(device="cuda" if device == "cuda" else "cpu", precision="auto", threads=1, processes=1)
    own = precision_of(auto, torch.device(device)) if contender == "protomtl" and variant != "fp32" else "fp32"
    precision = fastest[f"{kind} {contender}"] if variant == "best" else own
    return {"kind": kind, "name": name, "processes": processes, "threads": threads, "precision": precision}


def run(
    kind: str, name: str, processes: int, threads: int, steps: int, device: str = "cpu", batch: int = workload.BATCH
) -> list[dict[str, Any]]:
    """The figures of one contender, run in `processes` processes at once."""
    job = [kind, name, str(threads), str(steps), device, str(batch)]
    command = [sys.executable, "-m", "benchmarks.contenders", *job]
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
    how = {"": "", "best": f", best, {row['precision']}"}.get(variant, f", {variant}")
    return f"{row['kind']}: {name}{how} ({jobs})"


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
    parser = options.parser(__spec__.name, __doc__)
    parser.add_argument("repeats", metavar="REPEATS", nargs="?", type=options.count, default=3, help="of each (3)")
    parser.add_argument(
        "device", metavar="DEVICE", nargs="?", default="cpu", choices=[*STEPS], help="cpu (default), cuda"
    )
    given = parser.parse_args()
    options.refuse_absent(parser, given.device)
    options.refuse_missing(parser, *PEERS)
    with options.in_words():
        main(given.repeats, given.device)
