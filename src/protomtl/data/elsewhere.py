"""Rows of other places than a task's own: other domains and genres of the starter data, test sets of other people."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from protomtl.core.settings import SPLITS
from protomtl.data import starter
from protomtl.data.readers import Row, checked_row, read_lines
from protomtl.data.split_profile import bare, normalised
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


def cs224n_places(
    raw: Path, tasks: Mapping[str, Task], seen: set[str], trained: Mapping[str, set[frozenset[str]]]
) -> dict[str, Places]:
    """Of the tasks `sts`, `para` and `sst` the rows of SICK, of MSRP, and of AdvGLUE, each twice.

    NAME: without the rows that a model was shown of the task (trained: their texts); NAME_apart: without all that share
    a text with such a row of any task (seen). Texts of both are `bare`: SICK's have no full stop, those of `sts` do.
    {} where they were not fetched.
    """
    found: dict[str, Places] = {}
    for (name, place), (file, read) in TEST_SETS.items():
        if name in tasks and (raw / file).is_file():
            rows = [(row, frozenset(map(bare, row.texts))) for row in read(raw / file, tasks[name])]
            places = found.setdefault(name, {})
            places[place] = [row for row, texts in rows if texts not in trained.get(name, ())]
            places[f"{place}_apart"] = [row for row, texts in rows if not texts & seen]
    return found


def sick(path: Path, task: Task) -> Iterator[Row]:
    """Pairs with their relatedness, 1 to 5 (Marelli et al. 2014)."""
    for line, (number, a, b, score, *_) in tsv(path):
        yield checked_row(path, line, task, f"sick-{number}", [a, b], score)


def msrp(path: Path, task: Task) -> Iterator[Row]:
    """Pairs of news, paraphrases or not (Dolan and Brockett 2005); quotes are plain characters."""
    for line, (label, first, second, a, b) in tsv(path):
        yield checked_row(path, line, task, f"msrp-{first}-{second}", [a, b], label)


def tsv(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Lines without quoting, the header aside."""
    return ((line, fields) for line, fields in read_lines(path) if line > 1 and len(fields) > 1)


def attacked_pairs(path: Path, task: Task) -> Iterator[Row]:
    """AdvGLUE's questions (Wang et al. 2021)."""
    for row in json.loads(path.read_text(encoding="utf-8")):
        texts = [row["question1"], row["question2"]]
        yield checked_row(path, 1, task, f"advglue-{row['idx']}", texts, str(row["label"]))


def attacked_opinions(path: Path, task: Task) -> Iterator[Row]:
    """AdvGLUE's sentences on films: bad or good, here the lowest or the highest class. Which side of the middle a model
    is on is all that can be asked."""
    for row in json.loads(path.read_text(encoding="utf-8")):
        label = f"{task.bounds[row['label']]:g}"
        yield checked_row(path, 1, task, f"advglue-{row['idx']}", [row["sentence"]], label)


SIDES = ("sst", "advglue")  # task and place of which only the side of the middle is known
TEST_SETS: dict[tuple[str, str], tuple[str, Callable[[Path, Task], Iterator[Row]]]] = {
    ("sts", "sick"): ("sick-test.tsv", sick),
    ("para", "msrp"): ("msr-test.tsv", msrp),
    ("para", "advglue"): ("advglue-qqp-dev.json", attacked_pairs),
    SIDES: ("advglue-sst2-dev.json", attacked_opinions),
}
