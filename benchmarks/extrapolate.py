"""What 4.8 million and 240 million examples would cost, by arithmetic from the figures beside this file.

    python -m benchmarks.extrapolate

Measured, all on one machine: engine-461.json (461 GFLOP/s a core), scale.json, hashing.json.
Assumed, and never tried: all that concerns GPUs.
"""

from typing import Any

import numpy as np

from benchmarks import options, workload
from benchmarks.measure import RESULTS
from protomtl.core.files import read_json
from protomtl.core.markdown import markdown_table

EXAMPLES = {"4.8 M": 4_800_000, "240 M": 240_000_000}
TOKENS = {"40": 40, "128": 128}  # of an example: the paraphrase pairs here with their marks, and longer texts
SHAPE = {"hidden_size": 384, "intermediate_size": 1536, "num_hidden_layers": 6}  # of the default backbone
PARAMETERS, BYTES = 22_713_216, 4  # its weights, word embeddings included; gradients are float32
GPUS = (1, 8, 64)
PEAK = 312e12  # bf16 operations a second of an NVIDIA A100, as published, without sparsity
UTILISATION = 0.3  # assumed
LINKS = {1: 0.0, 8: 300e9, 64: 25e9}  # bytes a second and direction: NVLink of one machine; 200 Gb/s between machines
STEP = 50 * 32  # examples of a step: 32 of each task


def figures(name: str) -> Any:
    return read_json(RESULTS / f"{name}.json")


def training_flops(tokens: int) -> float:
    """Forward and backward pass of one example; the backward pass has two products for each of the forward pass."""
    return 3 * workload.operations(SHAPE, np.array([tokens]))


def rate_here() -> float:
    """Operations a second of both cores, two jobs of one thread."""
    rows = figures("engine-461")["rows"]
    row = next(r for r in rows if (r["kind"], r["name"], r["processes"]) == ("training", "protomtl", 2))
    return float(np.median(row["per_second"]) * row["gflop"] * 1e9)


def training() -> str:
    """Markdown: hours of one pass over all examples."""
    head = ["examples", "tokens each", "PFLOP", "two cores here", *(f"{gpus} GPU" for gpus in GPUS)]
    lines = []
    for name, number in EXAMPLES.items():
        for tokens, length in TOKENS.items():
            whole = number * training_flops(length)
            seconds = [whole / rate_here(), *(whole / (PEAK * UTILISATION * gpus) for gpus in GPUS)]
            lines.append([name, tokens, f"{whole / 1e15:,.0f}", *map(duration, seconds)])
    return markdown_table(head, lines)


def communication() -> str:
    """Markdown: what one step sends, and how long that takes beside its arithmetic."""
    head = ["GPUs", "gradients, MB a GPU", "embeddings, MB a GPU", "sending ms", "arithmetic ms, 40 tokens"]
    lines = []
    for gpus in GPUS[1:]:
        share = (gpus - 1) / gpus
        gradients, embeddings = 2 * share * PARAMETERS * BYTES, 2 * share * STEP * SHAPE["hidden_size"] * BYTES
        sending = (gradients + embeddings) / LINKS[gpus]
        arithmetic = STEP / gpus * training_flops(40) / (PEAK * UTILISATION)
        cells = [gradients / 1e6, embeddings / 1e6, 1000 * sending, 1000 * arithmetic]
        lines.append([str(gpus), *(f"{cell:.1f}" for cell in cells)])
    return markdown_table(head, lines)


def data() -> str:
    """Markdown: preparing, storing and hashing all examples, from the largest size that was measured."""
    rows, shapes = figures("scale"), figures("hashing")
    largest, first = max(row["rows"] for row in rows), min(row["rows"] for row in rows)
    of = {(row["step"], row["rows"]): row for row in rows}

    def each(step: str, key: str) -> float:
        return float(of[step, largest][key] - of[step, first][key]) / (largest - first)

    disk = sum(of[step, largest]["bytes_per_row"] for step in ("download", "prepare", "tokens"))
    start, large = shapes[0], shapes[1]
    cached = large["hash and cache"]["processor"] - start["hash and cache"]["processor"]
    head = ["examples", "`prepare`", "GB of memory", "`tokens`", "GB of memory", "GB on disk", "DVC", "SHA-256 a job"]
    lines = []
    for name, number in EXAMPLES.items():
        cells = [name]
        for step in ("prepare", "tokens"):
            memory = of[step, first]["megabytes"] / 1e3 + number * each(step, "megabytes") / 1e3
            cells += [duration(number * each(step, "processor")), f"{memory:.1f}"]
        gigabytes = number * disk / 1e9
        tokens = number * of["tokens", largest]["bytes_per_row"] / 1e9
        digest = tokens * large["digest_seconds"] / large["gigabytes"]
        cells += [f"{gigabytes:.1f}", duration(gigabytes * cached / large["gigabytes"]), duration(digest)]
        lines.append(cells)
    return markdown_table(head, lines)


def duration(seconds: float) -> str:
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"


if __name__ == "__main__":
    options.parser(__spec__.name, __doc__).parse_args()
    with options.in_words():
        flops = ", ".join(f"{length} tokens: {training_flops(length) / 1e9:.2f} GFLOP" for length in TOKENS.values())
        print(f"{flops}; here {rate_here() / 1e9:.0f} GFLOP/s\n")
        print(training(), communication(), data(), sep="\n\n")
