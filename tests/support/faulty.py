"""A system on which one call that changes files fails, or on which the process ends there."""

import builtins
import errno
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

from protomtl.core import files

CALLS = ("open", "fsync", "rename", "replace", "unlink", "remove", "rmdir", "mkdir", "chmod", "sendfile")
ERRORS = (errno.ENOSPC, errno.EROFS, errno.EIO)
KILLED = 99  # status of a process that ends at a call


@dataclass
class Faults:
    """Which call is hit (from 1; 0: none) and how; `calls` are those that were made."""

    at: int = 0
    error: int | None = None  # None: the process ends
    lasting: bool = False  # all calls behind it fail, too
    calls: list[str] = field(default_factory=list)

    def strike(self, call: str) -> None:
        self.calls.append(call)
        place = len(self.calls)
        if self.at and (place == self.at or (self.lasting and place > self.at)):
            if self.error is None:
                os._exit(KILLED)
            raise OSError(self.error, os.strerror(self.error))

    def hit(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def struck(*args: Any, **kwargs: Any) -> Any:
            self.strike(name)
            return call(*args, **kwargs)

        return struck

    def opened(self, file: Any, mode: str = "r", buffering: int = -1, *text: Any, **kwargs: Any) -> Any:
        """`open`; what it opens for writing fails in `write` when its turn comes."""
        self.strike("open")
        if "w" not in mode or isinstance(file, int):
            return real_open(file, mode, buffering, *text, **kwargs)
        faults = self

        class Raw(io.FileIO):
            def write(self, data: Any) -> int:
                faults.strike("write")
                return super().write(data)

        buffer = io.BufferedWriter(Raw(file, "w"))
        return buffer if "b" in mode else io.TextIOWrapper(buffer, *text, **kwargs)


real_open = io.open


@contextmanager
def faulty(faults: Faults) -> Iterator[Faults]:
    """Inside, calls go through `faults`."""
    patches = [mock.patch.object(os, name, faults.hit(name, getattr(os, name))) for name in CALLS]
    patches += [mock.patch.object(module, "open", faults.opened) for module in (io, builtins)]
    patches.append(mock.patch.object(files, "exchanged", faults.hit("exchange", files.exchanged)))
    for patch in patches:
        patch.start()
    try:
        yield faults
    finally:
        for patch in reversed(patches):
            patch.stop()


def in_a_process(call: Callable[[], object], faults: Faults) -> int:
    """Call it under faults in a process of its own; its status: KILLED, or 0."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        with faulty(faults):
            call()
    finally:
        os._exit(0)
