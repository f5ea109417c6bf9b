"""The default data: snippets rated by people (Hutto and Gilbert 2014), and the STS Benchmark, cut into tasks."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from protomtl.core.settings import SPLITS
from protomtl.data import splitting
from protomtl.data.readers import BadRow, Row, checked_row, read_lines
from protomtl.tasks.settings import Task

EDGES = (-2.4, -0.8, 0.8, 2.4)  # five equal bins of the mean rating in [-4, 4]
GENRES = {"main-captions": "sts", "main-news": "para", "main-forum": "para", "main-forums": "para"}
SAME, DIFFERENT = 4.0, 3.0  # a pair scored at least 4 is a paraphrase, at most 3 is none, between them left out
SNIPPETS = {  # the tasks of rated snippets, and their files
    "sst": "movieReviewSnippets_GroundTruth.txt",
    "amazon": "amazonReviewSnippets_GroundTruth.txt",
    "tweets": "tweets_GroundTruth.txt",
    "editorial": "nytEditorialSnippets_GroundTruth.txt",
}
TASKS = {*SNIPPETS, "para", "sts"}


def read(folder: Path, tasks: dict[str, Task], left_out: dict[str, int]) -> Iterator[tuple[str, Row | BadRow]]:
    """(task, row) for every row of the two packages' files; pairs left out on purpose are counted."""
    for name in [n for n in SNIPPETS if n in tasks]:
        path = folder / SNIPPETS[name]
        if not path.is_file():
            raise SystemExit(f"{path}: no such file; tasks.{name} of the starter data is made of it")
        for line, fields in read_lines(path):
            yield name, snippet(path, line, fields, tasks[name])
    for split in SPLITS:
        path = folder / f"sts-{split}.csv"
        for line, fields in read_lines(path):
            task, row = pair(path, line, fields, split, tasks)
            if row is not None:
                yield task, row
            elif task in tasks:
                left_out[task] = left_out.get(task, 0) + 1


def sentiment(rating: float) -> int:
    """Class 0..4 of a mean rating in [-4, 4]; a rating on an edge belongs to the class above."""
    return bisect_right(EDGES, rating)


def snippet(path: Path, line: int, fields: list[str], task: Task) -> Row | BadRow:
    """A snippet: id, mean of people's ratings in [-4, 4], text.

    The row's id begins with the first word of the file's name: movie, amazon, tweets or nyt.
    """
    try:
        identifier, rating, text = fields
        if not -4 <= float(rating) <= 4:
            raise ValueError(rating)
    except ValueError:
        return BadRow(path, line, f"not `id, rating in [-4, 4], text`: {fields!s:.200}")
    source = re.split("[A-Z_.]", path.name)[0]
    return row_or_fault(path, line, task, f"{source}-{identifier}", [text], str(sentiment(float(rating))))


def pair(
    path: Path, line: int, fields: list[str], split: str, tasks: dict[str, Task]
) -> tuple[str, Row | BadRow | None]:
    """A pair of the STS Benchmark: genre, file, year, id, score, a, b (some lines name their sources after it).

    Returns its task and the row; None for a row that belongs to no task here.
    """
    try:
        genre, _, _, _, score_text, _, _ = fields[:7]
        score = float(score_text)
        if not 0 <= score <= 5:
            raise ValueError(score_text)
    except ValueError:
        problem = f"not `genre, file, year, id, score in [0, 5], a, b`: {fields!s:.200}"
        return GENRES.get(fields[0], "sts"), BadRow(path, line, problem)
    name = GENRES.get(genre)
    if name is None:
        return "sts", BadRow(path, line, f"genre {genre!r} is not one of {', '.join(GENRES)}")
    return name, pair_as(name, path, line, fields, split, tasks[name]) if name in tasks else None


def pair_as(name: str, path: Path, line: int, fields: list[str], split: str, task: Task) -> Row | BadRow | None:
    """A line of the STS Benchmark as a row of `sts` or of `para`, whatever its genre; None between both classes."""
    score_text, a, b = fields[4:7]
    score = float(score_text)
    if name == "para" and DIFFERENT < score < SAME:
        return None
    label = score_text if name == "sts" else str(int(score >= SAME))
    return row_or_fault(path, line, task, f"stsb-{split}-{line}", [a, b], label)


def row_or_fault(path: Path, line: int, task: Task, identifier: str, texts: list[str], label: str) -> Row | BadRow:
    try:
        return checked_row(path, line, task, identifier, texts, label)
    except BadRow as error:
        return error


def split_rows(rows: list[Row], seed: int) -> dict[str, list[Row]]:
    """80/10/10, stratified by (rounded) label, fixed by `seed`: see splitting.py."""
    if len(rows) < splitting.FEWEST:
        raise SystemExit(f"the starter data: {len(rows)} good rows of a task are too few to split")
    labels = np.array([round(row.label or 0.0) for row in rows])
    splits: dict[str, list[Row]] = {split: [] for split in SPLITS}
    for row, split in zip(rows, splitting.splits_of([row.texts for row in rows], labels, seed), strict=True):
        splits[split].append(row)
    return splits
