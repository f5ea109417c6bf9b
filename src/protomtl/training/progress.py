"""Progress of long work: a bar on a terminal, a plain line now and then in a log."""

import os
import sys
import time
from pathlib import Path

from tqdm import tqdm

from protomtl.model import distributed

EVERY = 15.0  # seconds between two plain lines
RUN = "PIPELINE_PROGRESS"  # names the file in which the engine says how far the whole run is (workflow/bridge/left.py)


class Progress:
    """Counts steps of `total` and shows loss, examples per second and time left.

    sure: whether all steps will be done; else their time is left at most.
    """

    def __init__(self, title: str, total: int, start: int, sure: bool = True) -> None:
        self.title, self.total, self.done = title, total, start
        self.begin = self.last = time.monotonic()
        self.examples = 0
        self.first = start
        self.left = "left" if sure else "left at most"
        terminal = sys.stderr.isatty() and distributed.is_main()
        self.bar = tqdm(total=total, initial=start, desc=title, unit="step") if terminal else None
        if start:
            self.say(f"{title}: goes on from step {start} of {total}")

    def step(self, examples: int, loss: float) -> None:
        self.done += 1
        self.examples += examples
        now = time.monotonic()
        speed = self.examples / max(now - self.begin, 1e-9)
        if self.bar is not None:
            self.bar.set_postfix_str(f"loss {loss:.3f}, {speed:.0f} examples/s")
            self.bar.update()
        elif now - self.last > EVERY or self.done == self.total:
            self.last = now
            left = (now - self.begin) / (self.done - self.first) * (self.total - self.done)
            self.say(
                f"{self.title}: step {self.done}/{self.total}, loss {loss:.3f}, {speed:.0f} examples/s, "
                f"{int(left) // 60}:{int(left) % 60:02d} {self.left}{whole_run()}"
            )

    def say(self, line: str) -> None:
        if self.bar is not None:
            self.bar.write(line)
        elif distributed.is_main():
            print(line, flush=True)

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()


def whole_run() -> str:
    """`; run at 14:03: 12 of 80 jobs done, about 14 min left` in a job of an engine that says so, else nothing."""
    try:
        return f"; {Path(os.environ[RUN]).read_text(encoding='utf-8').strip()}"
    except (KeyError, OSError):
        return ""
