"""What a command costs: seconds on the clock and of processors, and the largest memory of its process."""

import os
import re
import resource
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.children import started
from tests.support.commands import environment

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results"  # figures and pictures that the pages show
Figures = dict[str, Any]


def command(*words: str, folder: Path | None = None, limit: float | None = None) -> tuple[Figures, str]:
    """Run a command; its figures and what it printed. After `limit` seconds it is ended, and the figures say so."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    with tempfile.TemporaryFile("w+") as printed:
        with started(
            *words,
            cwd=folder,
            env={**environment(), "PYTHONPATH": path, "HF_HUB_OFFLINE": "1"},
            stdout=printed,
            stderr=subprocess.STDOUT,
        ) as process:
            kilobytes, ended = watched(process, limit)
        seconds = time.perf_counter() - begin
        printed.seek(0)
        said = printed.read()
    if process.returncode and not ended:
        raise SystemExit(f"{' '.join(words)}: failed\n{said[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    figures = {"seconds": round(seconds, 2), "processor": round(busy, 2), "cores": round(busy / seconds, 2)}
    return figures | {"megabytes": round(kilobytes / 1e3)} | ({"unfinished": True} if ended else {}), said


def watched(process: subprocess.Popen[bytes], limit: float | None) -> tuple[int, bool]:
    """(largest memory in kilobytes, whether it was ended) of a process, when it is over."""
    status, kilobytes, begin = Path(f"/proc/{process.pid}/status"), 0, time.perf_counter()
    while process.poll() is None:  # its own peak; wait4 would count what this process held when it forked
        held = re.search(r"VmHWM:\s+(\d+)", status.read_text())
        kilobytes = max(kilobytes, int(held[1]) if held else 0)
        if limit and time.perf_counter() - begin > limit:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return kilobytes, True
        time.sleep(0.02)
    return kilobytes, False
