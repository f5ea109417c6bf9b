"""Commands that a benchmark starts: none of them outlives it, however it ends; and no second one beside it."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from protomtl.core.locks import held

PATIENCE = 60.0  # seconds that a command has after an interrupt
ASKED = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def started(*words: str, **how: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A command in a session of its own. Where the block is left before it has ended, all of the session is
    interrupted as by Ctrl-C, and what is left then is killed."""
    process = subprocess.Popen(words, start_new_session=True, preexec_fn=heed_interrupts, **how)
    try:
        yield process
    finally:
        if process.poll() is None:
            end(process)


def heed_interrupts() -> None:
    """A shell's background jobs ignore them, and so would all that is started by one."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def end(process: subprocess.Popen[bytes]) -> None:
    """A second Ctrl-C does not wait."""
    try:
        os.killpg(process.pid, signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def asked_to_end() -> Iterator[None]:
    """Inside, `kill` and the end of a terminal are exceptions, as Ctrl-C is: what was begun can be put back. Only the
    first one counts: `timeout make` sends two. `nohup` still holds."""

    def stop(number: int, _: Any) -> None:
        for other in before:
            signal.signal(other, signal.SIG_IGN)
        raise SystemExit(128 + number)

    before = {number: signal.getsignal(number) for number in ASKED}
    before = {number: handler for number, handler in before.items() if handler != signal.SIG_IGN}
    for number in before:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """SystemExit where another one runs in this folder: each would put back what the other has set."""
    lock.parent.mkdir(exist_ok=True)
    with held(lock) as ours:
        if not ours:
            raise SystemExit(f"{lock}: another run of cells is under way in this folder; wait for its end")
        yield
