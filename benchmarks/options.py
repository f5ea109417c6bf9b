"""The words of a benchmark's command line: what it says of itself stands in its docstring."""

import argparse

import torch


def parser(module: str, about: str) -> argparse.ArgumentParser:
    """Knows `--help`: the docstring without the line of the command, which the usage repeats."""
    said = "\n\n".join(part for part in about.split("\n\n") if not part.startswith(" "))
    return argparse.ArgumentParser(
        prog=f"python -m {module}", description=said, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def count(word: str) -> int:
    """A whole number above zero."""
    if not word.isdecimal() or int(word) < 1:
        raise argparse.ArgumentTypeError(f"{word!r}: give a whole number from 1")
    return int(word)


def refuse_absent(parser: argparse.ArgumentParser, device: str) -> None:
    """End with a line where torch sees no such device: not after data are fetched."""
    if device == "cuda" and not torch.cuda.is_available():
        parser.error("cuda: torch sees no GPU here; docs/guides/gpus.md says what one is measured by")
