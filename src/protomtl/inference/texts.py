"""What the commands that read the user's own texts share: their arguments, their rows, their output."""

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import tee
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from protomtl.core.paths import real
from protomtl.core.sections import argument
from protomtl.core.tables import repeated
from protomtl.core.users_files import BadPath, users_file, users_target
from protomtl.inference import records
from protomtl.inference.hub import MODEL
from protomtl.inference.lines import STREAM, BadInput
from protomtl.inference.records import Placed, Record
from protomtl.model.settings import Workers
from protomtl.sources.hub_errors import HubError

if TYPE_CHECKING:
    from protomtl.inference.model import Model

READ = ".csv, .tsv, .jsonl, or .txt (a text a line), with .gz too"
SOURCES = ("input", "support", "among")  # options that name rows to read

Rows = Callable[["Model", argparse.Namespace], Iterator[Placed]]  # of a command, while they are read


def add_arguments(command: argparse.ArgumentParser, endings: tuple[str, str]) -> None:
    """The arguments that all these commands have. endings: of what the command writes; the first is for a file, the
    second for rows as JSON lines."""
    add = command.add_argument
    add("--model", required=True, metavar="MODEL", help=MODEL)
    add("--input", default="-", metavar="FILE", help=f"{READ}; -: standard input (default: -)")
    streamed = "CSV" if endings[0] == ".csv" else "JSON lines"
    written = f"{' or '.join(endings)}; -: {streamed} to standard output (default: -)"
    add("--output", default="-", metavar="FILE", help=written)
    add("--force", action="store_true", help="replace also a file that is read-only")
    form = "of the input (default: as its ending says; text from standard input)"
    add("--format", choices=sorted({*records.FORMATS.values()}), help=form)
    add("--columns", nargs="+", metavar="NAME", help="of the text, or of both texts of a pair (default: text)")
    precision = "auto is bf16 where that is faster (default: fp32)"
    add("--precision", choices=("auto", "bf16", "fp32"), default="fp32", help=precision)
    add("--threads", type=argument(Workers), default=1, metavar="N", help="of the CPU (default: 1)")


def run(args: argparse.Namespace, rows: Rows, endings: tuple[str, str] = (".csv", ".jsonl")) -> None:
    """Write what `rows` gives of the input; bad input ends with a message and status 2, and leaves no output."""
    try:
        ending = Path(args.output).suffix.lower()
        if args.output != STREAM and ending not in endings:
            raise BadInput(f"{args.output}: {args.command} writes {' or '.join(endings)}; say so in the file's name")
        if args.output != STREAM:
            refuse_source(users_target(args.output, args.force), args)
        check_sources(args)
        model = loaded(args)
        if ending == ".npy":
            vectors = (vector for *_, vector in with_progress(encoded(model, args.input, args)))
            write_array(args.output, vectors, args.force)
        else:
            as_json = ".csv" not in endings or ending == ".jsonl"
            records.write(args.output, with_progress(rows(model, args)), as_json, args.force)
    except (BadInput, BadPath, FileNotFoundError) as error:
        print(f"protomtl {args.command}: {error}", file=sys.stderr)
        sys.exit(2)


def check_sources(args: argparse.Namespace) -> None:
    """BadInput for rows that cannot be read, for two options that would read one stream, and for a column that is
    named twice."""
    named = [(option, path) for option in SOURCES if (path := getattr(args, option, None)) is not None]
    if len(streams := [f"--{option}" for option, path in named if path == STREAM]) > 1:
        raise BadInput(f"{' and '.join(streams)}: both are standard input; name a file for one of them")
    for _, path in named:
        records.refuse_unreadable(path, args.format)
    if twice := repeated(args.columns or []):
        raise BadInput(f"--columns: {twice[0]} is there twice; name each column once")


def refuse_source(target: Path, args: argparse.Namespace) -> None:
    """BadInput for an output that is a file from which rows are read: its other values would be lost."""
    for option in SOURCES:
        if (source := getattr(args, option, STREAM)) != STREAM and real(source) == target:
            raise BadInput(f"--output {args.output}: is the file of --{option}, too; name another")


def loaded(args: argparse.Namespace) -> "Model":
    """The model that the arguments name; this process is for it alone."""
    from protomtl.inference.loading import load_alone  # heavy

    try:
        return load_alone(args.model, precision=args.precision, threads=args.threads)
    except (ValueError, HubError) as error:
        raise BadInput(str(error)) from None


def encoded(model: "Model", path: str, args: argparse.Namespace) -> Iterator[tuple[str, Record, np.ndarray]]:
    """The place of each row, the row, and its vector. BadInput for several columns of texts."""
    columns = args.columns or ["text"]
    if len(columns) > 1:
        raise BadInput(f"--columns: {args.command} needs 1, there are {len(columns)}; of two texts make one column")
    rows, texts = tee(records.texts(records.read(path, args.format), columns))
    for (place, row, _), vector in zip(rows, model.stream(found[0] for *_, found in texts), strict=True):
        yield place, row, vector


def widened(place: str, row: Record, more: Record, args: argparse.Namespace) -> Placed:
    """A row of the input with what the command found. BadInput for a column that both have."""
    if both := [column for column in more if column in row]:
        raise BadInput(f"{place}: {args.command} writes a column {both[0]!r}, too; rename that of the input")
    return place, row | more


def write_array(path: str, vectors: Iterable[np.ndarray], force: bool) -> None:
    """[n, width] float32 as .npy, the bytes of `np.save`, one vector at a time: how many there are is written last."""
    with users_file(path, force) as part, part.open("wb") as file:
        shape = (0, 0)
        for vector in vectors:
            if not shape[0]:
                header(file, (1, len(vector)))
            file.write(np.asarray(vector, "<f4").tobytes())
            shape = (shape[0] + 1, len(vector))
        file.seek(0)
        header(file, shape)


def header(file: BinaryIO, shape: tuple[int, int]) -> None:
    """The beginning of an .npy file; NumPy leaves room in it for more rows, so that its size is always the same."""
    np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})


def with_progress(rows: Iterable[Any]) -> Iterable[Any]:
    """On a terminal, not in a log."""
    from tqdm import tqdm

    bar: Iterable[Any] = tqdm(rows, unit=" rows", disable=not sys.stderr.isatty())
    return bar
