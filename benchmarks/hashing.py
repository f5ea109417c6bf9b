"""What a gigabyte of results costs in DVC: to hash and to cache it, to see that nothing changed, and to restore it.

    python -m benchmarks.hashing

One output of few large files, and one of many small ones. The files are in the page cache of the system, as those are
that a job has just written. Figures go to benchmarks/results/hashing.json.
"""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import measure, options, workload
from benchmarks.measure import RESULTS
from protomtl.core.files import digest_folder, write_json
from protomtl.core.markdown import markdown_table
from tests.support.commands import call

SHAPES = {"empty": (1, 1), "4 files of 250 MB": (4, 250_000_000), "20,000 files of 50 kB": (20_000, 50_000)}
GRAPH = "stages:\n  make:\n    cmd: 'true'\n    outs: [out]\n"
STEPS = {  # what is done before, and the command
    "hash and cache": (lambda out: None, ("dvc", "commit", "-q", "-f")),
    "nothing changed": (lambda out: None, ("dvc", "status")),
    "other times, same content": (lambda out: touch(out), ("dvc", "status")),
    "restore": (shutil.rmtree, ("dvc", "checkout", "-q")),
}
Row = dict[str, Any]


def main() -> None:
    rows = []
    for shape, (number, size) in SHAPES.items():
        with tempfile.TemporaryDirectory() as scratch:
            rows.append({"shape": shape, "gigabytes": number * size / 1e9, **measured(Path(scratch), number, size)})
        print(rows[-1], flush=True)
    write_json(RESULTS / "hashing.json", rows)
    print(table(rows))


def measured(project: Path, number: int, size: int) -> Row:
    """The figures of each step, in order, in a project with one output."""
    call(project, "git", "init", "-q")
    call(project, "dvc", "init", "-q")
    shutil.copy(measure.ROOT / ".dvc/config", project / ".dvc/config")
    (project / "dvc.yaml").write_text(GRAPH)
    (project / "out").mkdir()
    for name in range(number):
        (project / "out" / f"{name:05}").write_bytes(os.urandom(size))
    found: Row = {"digest_seconds": round(workload.timed(lambda: digest_folder(project / "out")), 2)}
    for name, (before, command) in STEPS.items():
        before(project / "out")
        found[name], _ = measure.command(*command, folder=project)
    assert len(list((project / "out").iterdir())) == number
    return found


def touch(folder: Path) -> None:
    for path in folder.iterdir():
        path.touch()


def table(rows: list[Row]) -> str:
    """Markdown: seconds of each step, and those of SHA-256 by which a training names the token cache it began with."""
    cells = []
    for row in rows:
        seconds = [f"{row[name]['seconds']:.1f}" for name in STEPS]
        memory = max(row[name]["megabytes"] for name in STEPS)
        cells.append([row["shape"], *seconds, f"{memory}", f"{row['digest_seconds']:.1f}"])
    return markdown_table(["output", *STEPS, "MB at most", "SHA-256"], cells)


if __name__ == "__main__":
    options.parser(__spec__.name, __doc__).parse_args()
    with options.in_words():
        main()
