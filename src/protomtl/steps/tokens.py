"""Step `tokens`: data/tokens holds every text as token numbers, once per backbone and maximum length."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow.parquet as pq

from protomtl.core.files import atomic, digest_folder, write_json
from protomtl.core.paths import BACKBONE, PREPARED, TOKENS
from protomtl.core.settings import SPLITS
from protomtl.tasks.settings import Task
from protomtl.tokenizer import Tokens, open_tokenizer, token_numbers

BATCH = 8192  # texts handed to the tokenizer at a time
UNKNOWN = 0.05  # share of unknown tokens from which a split's line says so


def run(tokens: Tokens, tasks: dict[str, Task]) -> None:
    """Tokenise all prepared tables into flat arrays that training maps into memory; a few thousand rows at a time."""
    backend, special = open_tokenizer(BACKBONE, tokens.max_length)
    with atomic(TOKENS) as part:
        for name, task in tasks.items():
            for split in SPLITS:
                table = pq.ParquetFile(PREPARED / name / f"{split}.parquet")
                folder = part / name / split
                folder.mkdir(parents=True)
                sides = ("a", "b")[: len(task.texts)]
                counts = [write_texts(folder, side, columns(table, f"text_{side}"), backend) for side in sides]
                with growing(folder / "labels.npy", task.what.stored) as add:
                    for column in columns(table, "label"):
                        add(column.to_numpy(zero_copy_only=False))
                print(f"tokens {name} {split}: {table.metadata.num_rows} rows", flush=True)
                if told := unknown_share(*np.sum(counts, axis=0)):
                    print(f"tokens {name} {split}: {told}", file=sys.stderr, flush=True)
        # With the digests, tokens.json stands for all of the cache: stages depend on this one file.
        write_json(part / "tokens.json", special | {"files": digest_folder(part)})


def columns(table: pq.ParquetFile, name: str) -> Iterator[Any]:
    """One column, BATCH rows at a time."""
    return (batch.column(0) for batch in table.iter_batches(BATCH, columns=[name]))


def unknown_share(unknown: int, tokens: int) -> str:
    """What is said of texts in which the encoder's vocabulary lacks too much, as of another script or of emoji."""
    if unknown <= UNKNOWN * tokens:
        return ""
    return f"{unknown / tokens:.0%} of the tokens are unknown to the encoder; choose another `backbone`"


def write_texts(folder: Path, side: str, texts: Iterator[Any], backend: Any) -> tuple[int, int]:
    """SIDE.tokens.npy: the tokens of all texts end to end; SIDE.offsets.npy: where each text begins and the end.

    Without special tokens, so that one cache serves single texts and concatenated pairs. Returns how many tokens are
    unknown, and how many there are.
    """
    nothing = backend.token_to_id(getattr(backend.model, "unk_token", None) or "<unk>")
    unknown = 0
    tokens, offsets = (folder / f"{side}.{name}.npy" for name in ("tokens", "offsets"))
    with growing(tokens, "<i4") as add_tokens, growing(offsets, "<i8") as add_offsets:
        end = np.zeros(1, np.int64)
        add_offsets(end)
        for batch in texts:
            ids = token_numbers(backend, batch.to_pylist())
            add_tokens(np.fromiter(chain.from_iterable(ids), dtype=np.int32))
            unknown += sum(text.count(nothing) for text in ids)
            ends = end + np.cumsum([len(text) for text in ids])
            add_offsets(ends)
            end = ends[-1:]
    return unknown, int(end[0])


@contextmanager
def growing(path: Path, descr: str) -> Iterator[Callable[[Any], None]]:
    """Append arrays to an .npy file of one dimension, as `np.save` would write all of them together."""
    dtype = np.dtype(descr)
    with path.open("wb") as file:
        header(file, descr, 0)
        start = file.tell()
        yield lambda part: np.asarray(part, dtype).tofile(file)
        length = (file.tell() - start) // dtype.itemsize
        file.seek(0)
        header(file, descr, length)


def header(file: BinaryIO, descr: str, length: int) -> None:
    """The header of an .npy file; NumPy leaves room in it, so that a longer array's has the same size."""
    np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": (length,)})
