"""Rows of other places than a task's own: other domains of the rated snippets, the genres of the STS Benchmark."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from protomtl.core.settings import SPLITS
from protomtl.data import starter
from protomtl.data.readers import Row, read_lines
from protomtl.data.split_profile import normalised
from protomtl.tasks.settings import Task

GENRES = {"main-captions": "captions", "main-news": "news", "main-forum": "forum", "main-forums": "forum"}
Places = dict[str, list[Row]]  # of one task: what a place is called -> its rows


def starter_places(raw: Path, tasks: Mapping[str, Task], seen: set[str]) -> dict[str, Places]:
    """Of the starter tasks `sst`, `para` and `sts` the rows of each place; seen: normalised texts of training rows.

    A domain that is a task itself is none: an encoder may have learnt from it. Pairs that share a text with a
    training row are left out.
    """
    found: dict[str, Places] = {}
    if "sst" in tasks:
        others = [name for name in starter.SNIPPETS if name not in tasks]
        found["sst"] = {name: list(domain(raw / starter.SNIPPETS[name], tasks["sst"])) for name in others}
    pairs = {name: tasks[name] for name in ("para", "sts") if name in tasks}
    for name, task in pairs.items():
        for genre, row in genres(raw, name, task):
            if not seen & {normalised(text) for text in row.texts}:
                found.setdefault(name, {}).setdefault(genre, []).append(row)
    return found


def domain(path: Path, task: Task) -> Iterator[Row]:
    """The snippets of a file in the five bins of `sst`; bad rows are told by step `prepare`, not here."""
    for line, fields in read_lines(path):
        row = starter.snippet(path, line, fields, task)
        if isinstance(row, Row):
            yield row


def genres(raw: Path, name: str, task: Task) -> Iterator[tuple[str, Row]]:
    """(captions, news or forum; row) of all sound pairs as rows of `sts`, or of `para` with its two thresholds."""
    for split in SPLITS:
        path = raw / f"sts-{split}.csv"
        for line, fields in read_lines(path):
            try:
                row = starter.pair_as(name, path, line, fields, split, task)
            except ValueError:  # step `prepare` told of it
                continue
            if isinstance(row, Row) and fields[0] in GENRES:
                yield GENRES[fields[0]], row
