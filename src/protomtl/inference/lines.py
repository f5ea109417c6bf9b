"""The lines of a user's file of text, packed or not, or of standard input."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

LONGEST = 1 << 20  # characters of one line: more is no row of text
UTF_16 = ("\udcff\udcfe", "\udcfe\udcff")  # how such a file begins, read as UTF-8
STREAM = "-"  # standard input or output


class BadInput(Exception):
    """The message names file and line and says what to do."""


def packed(path: str) -> bool:
    return Path(path).suffix.lower() == ".gz"


@contextmanager
def opened(path: str) -> Iterator[IO[str]]:
    how: dict[str, Any] = {"encoding": "utf-8-sig", "errors": "surrogateescape", "newline": "\n"}
    try:
        if path == STREAM:
            file: IO[str] = open(0, closefd=False, **how)  # noqa: SIM115
        elif packed(path):
            file = gzip.open(path, "rt", **how)  # noqa: SIM115
        else:
            file = Path(path).open(**how)  # noqa: SIM115
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from None
    with file:
        yield file


def checked(path: str, file: IO[str]) -> Iterator[str]:
    """The lines of a file, if they are text."""
    line = 0
    while text := line_of(path, file):
        line += 1
        if len(text) > LONGEST:
            raise BadInput(f"{path}:{line}: the line has more than {LONGEST:,} characters; one row a line is needed")
        if line == 1 and text.startswith(UTF_16):
            raise BadInput(f"{path}:{line}: UTF-16; save the file as UTF-8")
        if "\0" in text:
            raise BadInput(f"{path}:{line}: a binary file; a text file is needed")
        if any("\udc80" <= c <= "\udcff" for c in text):
            raise BadInput(f"{path}:{line}: not UTF-8; save the file as UTF-8")
        yield text


def line_of(path: str, file: IO[str]) -> str:
    """The next line, or nothing. BadInput where a packed file is damaged or none."""
    try:
        return file.readline(LONGEST + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise BadInput(f"{path}: not a whole gzip file: {error}") from None
