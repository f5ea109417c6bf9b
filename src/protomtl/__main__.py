"""The command `protomtl`; `python -m protomtl`; and `python src/protomtl`, which takes the code beside this file."""

import os
import signal
import sys

ROOM = 64 << 20  # bytes; what Python keeps of all modules here is a few of them


def disk_is_nearly_full() -> bool:
    """Whether a module that Python compiles and keeps beside its source might be cut off. Python (3.11) does not notice
    that, and ends with `marshal data too short` from then on."""
    if not hasattr(os, "statvfs"):
        return False
    disk = os.statvfs(__file__)
    return disk.f_bavail * disk.f_frsize < ROOM


def main() -> None:
    """The command line. What it needs is imported here: an interrupt then ends the process at once, for nothing was
    begun. As an exception it would be a traceback, and libraries make another one of it."""
    sys.dont_write_bytecode = sys.dont_write_bytecode or disk_is_nearly_full()
    hasty = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # a shell's background jobs ignore it
    if hasty:
        signal.signal(signal.SIGINT, lambda *_: os._exit(130))  # as cli.INTERRUPTED
    if not __package__:  # run as a folder: its modules are to be found under the package's name, and only so
        from pathlib import Path

        sys.path[0] = str(Path(__file__).resolve().parents[1])
    from protomtl.cli import main as run

    if hasty:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    run()


if __name__ == "__main__":
    main()
