"""What each format of an exported model costs and loses: size, speed on one core, figures on test.

    python -m benchmarks.copies METHOD

It takes a folder with a finished run of METHOD, seed 1, and writes its exports into a folder that goes again. Speed is
the best of three rounds of all distinct texts of dev, each round in a process of its own: sentences in a processor
second, tokenising included. Figures go to benchmarks/results/copies.json.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks import measure, options, workload
from benchmarks.measure import RESULTS
from protomtl.core.files import read_json, write_json
from protomtl.core.markdown import markdown_table
from protomtl.core.paths import PREPARED, RECORD
from protomtl.steps.export.step import FORMATS

ROUNDS, WARM = 3, 64  # texts before the clock runs
VARIANTS = {**{form: (form, "fp32") for form in FORMATS}, "torch, precision auto": ("torch", "auto")}
TIMED = """
import json, sys, time
import protomtl
folder, texts, precision, warm = sys.argv[1], json.load(open(sys.argv[2])), sys.argv[3], int(sys.argv[4])
model = protomtl.load(folder, precision=precision, threads=1)
model.encode(texts[:warm])
begin = time.process_time()
model.encode(texts)
print(len(texts) / (time.process_time() - begin))
"""
Row = dict[str, Any]


def main(method: str) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folders = {form: Path(scratch, form) for form in FORMATS}
        for form, folder in folders.items():
            run("-m", "protomtl", "export", method, "--format", form, "--to", str(folder))
        texts = Path(scratch, "texts.json")
        texts.write_text(json.dumps(texts_of_dev()), encoding="utf-8")
        speeds: dict[str, list[float]] = {name: [] for name in VARIANTS}
        for _ in range(ROUNDS):  # the variants take turns
            for name, (form, precision) in VARIANTS.items():
                speeds[name].append(float(run("-c", TIMED, str(folders[form]), str(texts), precision, str(WARM))))
                print(f"{name}: {speeds[name][-1]:.0f} sentences a processor second", flush=True)
        rows = [row(name, folders[form], speeds[name]) for name, (form, _) in VARIANTS.items()]
    write_json(RESULTS / "copies.json", {"hardware": workload.hardware("cpu"), "method": method, "rows": rows})
    print(table(rows))


def texts_of_dev() -> list[str]:
    """All that differ, of all tasks."""
    tables = [pd.read_parquet(path) for path in sorted(PREPARED.glob("*/dev.parquet"))]
    sides = [table[side] for table in tables for side in ("text_a", "text_b") if side in table]
    return [*dict.fromkeys(text for side in sides for text in side.dropna() if text)]


def run(*words: str) -> str:
    """The last line that a process of Python prints. SystemExit with what it said if it fails."""
    return measure.command(sys.executable, *words)[1].splitlines()[-1]


def row(name: str, folder: Path, speeds: list[float]) -> Row:
    """Megabytes of all files, the fastest round, and test figures: [value, both ends of the 95 % interval]."""
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    figures = read_json(folder / RECORD)["figures"]["test"]
    return {"format": name, "megabytes": round(size / 1e6, 1), "speed": round(max(speeds)), "figures": figures}


def table(rows: list[Row]) -> str:
    """Markdown. Figures of torch were taken by `evaluate`, in the precision of the run."""
    names = [*rows[0]["figures"]]
    cells = [
        [r["format"], f"{r['megabytes']}", f"{r['speed']:,}", *(f"{r['figures'][n][0]:.3f}" for n in names)]
        for r in rows
    ]
    return markdown_table(["format", "MB", "sentences a second", *names], cells)


if __name__ == "__main__":
    parser = options.parser(__spec__.name, __doc__)
    parser.add_argument("method", metavar="METHOD", help="one that this folder has run")
    with options.in_words():
        main(parser.parse_args().method)
