"""What one GPU can tell in about ten minutes: is the packed path right there, does it repeat itself, how fast is it?

    python -m benchmarks.gpu [--data FOLDER] [PART...]

PART is tests, repeats, training or encoding; all of them without one. FOLDER holds `data` of a finished `make all` or
`make quick`; without it data and encoder are fetched. Figures are printed and written to benchmarks/results/gpu.json
after each part, so that a run which is cut off leaves what it has measured.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import options, workload
from benchmarks.engine import PEERS, ROOT, STEPS, checked, precision_of_best, run
from benchmarks.measure import RESULTS
from protomtl.core.files import write_json

BATCHES = (64, 512)  # pairs of a step
Row = dict[str, Any]


def main(parts: list[str], data: Path | None, device: str) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        shutil.copy(ROOT / "params.yaml", scratch)
        os.chdir(scratch)
        if data is None:
            workload.prepare()
        else:
            Path("data").symlink_to(data, target_is_directory=True)
        results: dict[str, Any] = {"hardware": workload.hardware(device)}
        print(results["hardware"], flush=True)
        for part in parts:
            begin = time.monotonic()
            results[part] = PARTS[part](device)
            results["seconds"] = results.get("seconds", {}) | {part: round(time.monotonic() - begin)}
            write_json(RESULTS / "gpu.json", results)
            print(f"{part}: {results['seconds'][part]} s", flush=True)


def tests(device: str) -> bool:
    """Whether the packed path computes on the card what it computes on the CPU."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-m",
        "outside",
        "tests/outside/test_gpu.py",
    ]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode == 0


def repeats(device: str) -> dict[str, Any]:
    """Two trainings of one seed with dropout, eager and compiled: are losses and weights the same bytes?"""
    found = {}
    for name in ("protomtl", "protomtl-compiled"):
        one, two = (run("training", name, 1, 2, STEPS[device] // 2, device)[0] for _ in range(2))
        found[name] = {"losses": one["losses"] == two["losses"], "weights": one["weights"] == two["weights"]}
        print(f"{name}, the same again: {found[name]}", flush=True)
    return found


def training(device: str) -> dict[str, Any]:
    """Sequences a second of this loop and of the Trainer at its best, at each batch."""
    found: dict[str, Any] = {}
    for batch in BATCHES:
        best = precision_of_best("training", "trainer", device, batch)
        names = ["protomtl", "protomtl-compiled", f"trainer-{best}"]
        found[f"{batch} pairs"] = in_turn("training", names, device, batch)
    return found | {"losses_apart": checked(device)["losses_apart"]}


def encoding(device: str) -> dict[str, Any]:
    """Sentences a second, tokenising included."""
    best = precision_of_best("encoding", "sentence_transformers", device)
    return in_turn("encoding", ["protomtl", f"sentence_transformers-{best}", "sentence_transformers-default"], device)


def in_turn(kind: str, names: list[str], device: str, batch: int = workload.BATCH) -> dict[str, Row]:
    """The figures of each contender, twice, and how often the last but this project's is the first's."""
    rows: dict[str, Row] = {name: {"per_second": []} for name in names}
    for _ in range(2):
        for name in names:
            begin = time.monotonic()
            one = run(kind, name, 1, 2, STEPS[device], device, batch)[0]
            rows[name]["per_second"].append(round(one["sequences"] / one["seconds"]))
            rows[name] |= {"gigabytes": one["gigabytes"], "process_seconds": round(time.monotonic() - begin)}
    peer = max(max(row["per_second"]) for name, row in rows.items() if not name.startswith("protomtl"))
    print(f"\n| {kind}, {batch} pairs a step | a second | of the peer's best | GB |\n|---|---:|---:|---:|")
    for name, row in rows.items():
        rates = row["per_second"]
        row["ratio"] = round(min(rates) / peer, 2)
        print(f"| {name} | {min(rates)} to {max(rates)} | {row['ratio']} | {row['gigabytes']:.2f} |", flush=True)
    return rows


PARTS: dict[str, Callable[[str], Any]] = {
    "tests": tests,
    "repeats": repeats,
    "training": training,
    "encoding": encoding,
}


if __name__ == "__main__":
    parser = options.parser(__spec__.name, __doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--data", type=lambda name: Path(name).resolve(), help="a `data` folder that is there already")
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"), help="cpu: to try this program itself")
    given = parser.parse_args()
    if unknown := set(given.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    options.refuse_absent(parser, given.device)
    options.refuse_missing(parser, *PEERS if {"training", "encoding"} & {*(given.parts or PARTS)} else ())
    if given.data and not given.data.is_dir():
        parser.error(f"--data: {given.data} is no folder; name `data` of a finished run")
    with options.in_words():
        main(given.parts or list(PARTS), given.data, given.device)
