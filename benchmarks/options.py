"""The words of a benchmark's command line: what it says of itself stands in its docstring."""

import argparse
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

import torch

from protomtl import faults
from protomtl.cli import INTERRUPTED


def parser(module: str, about: str) -> argparse.ArgumentParser:
    """Knows `--help`: the docstring without the line of the command, which the usage repeats."""
    said = "\n\n".join(part for part in about.split("\n\n") if not part.startswith(" "))
    return argparse.ArgumentParser(
        prog=f"python -m {module}", description=said, formatter_class=argparse.RawDescriptionHelpFormatter
    )


@contextmanager
def in_words() -> Iterator[None]:
    """Around the work of a benchmark: what it needs and does not find is one line that says what makes it."""
    try:
        with faults.in_words():
            yield
    except FileNotFoundError as error:
        raise SystemExit(str(error)) from None  # it has no file name, so it is ours, and says what to do
    except subprocess.CalledProcessError as error:
        words = " ".join(map(str, error.cmd))
        raise SystemExit(f"{words}: ended with status {error.returncode}; it says why above") from None
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def refuse_missing(parser: argparse.ArgumentParser, *modules: str) -> None:
    """End with a line where what is to be compared with is not installed: not after data are fetched."""
    for name in modules:
        if find_spec(name) is None:
            parser.error(f"{name} is not installed; `make .venv/bench` installs what benchmarks compare with")


def count(word: str) -> int:
    """A whole number above zero."""
    if not word.isdecimal() or int(word) < 1:
        raise argparse.ArgumentTypeError(f"{word!r}: give a whole number from 1")
    return int(word)


def refuse_absent(parser: argparse.ArgumentParser, device: str) -> None:
    """End with a line where torch sees no such device: not after data are fetched."""
    if device == "cuda" and not torch.cuda.is_available():
        parser.error("cuda: torch sees no GPU here; docs/guides/gpus.md says what one is measured by")
