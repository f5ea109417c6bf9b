"""What the data report says of a split, gathered row by row in a few bytes for each."""

import math
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, pairwise
from typing import Any

import numpy as np

from protomtl.core.settings import HELD_OUT
from protomtl.data.readers import Row, digest
from protomtl.tasks.settings import Task

PARTS = 5  # of a range of values
LEAK, ENOUGH = 0.5, 100  # share of the rows of dev or test that may be training rows, and of how many rows it is one


class SplitProfile:
    """Counts of one split: rows, labels, lengths in words, and 8-byte digests of its texts."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.rows = 0
        self.labels: Counter[int] = Counter()  # classes
        self.values = array("d")  # labels that are none
        self.words: Counter[int] = Counter()
        self.texts = array("Q")
        self.whole = array("Q")  # all texts of a row
        self.bare = array("Q")  # the same without punctuation

    def add(self, rows: list[Row]) -> None:
        self.rows += len(rows)
        for row in rows:
            if row.label is not None and self.task.what.has_classes:
                self.labels.update(self.task.what.bins(self.task, row.label))
            elif row.label is not None:
                self.values.append(row.label)
        for row in rows:
            texts = [normalised(text) for text in row.texts]
            self.words[sum(text.count(" ") + 1 for text in texts)] += 1
            self.texts.extend(map(digest, texts))
            self.whole.append(digest("\n".join(texts)))
            self.bare.append(digest("\n".join(map(bare, texts))))


def normalised(text: str) -> str:
    """The form in which two texts count as the same: case and white space do not matter."""
    return " ".join(text.lower().split())


def bare(text: str) -> str:
    """The letters and digits of a text: what sources of one text agree on."""
    return "".join(filter(str.isalnum, text.lower()))


def described(split: SplitProfile) -> dict[str, Any]:
    """Rows, counts of the classes or of the parts of a range, lengths and repeated rows of a split."""
    words = np.repeat(list(split.words), list(split.words.values()))
    return {
        "rows": split.rows,
        "labels": {str(label): split.labels[label] for label in sorted(split.labels)}
        or (in_parts(split.values, *split.task.bounds) if split.values else {}),
        "words": {"mean": round(float(words.mean()), 1), "p95": int(np.percentile(words, 95)), "max": int(words.max())},
        "repeats": split.rows - len(np.unique(split.whole)),
    }


def in_parts(values: Sequence[float], smallest: float, largest: float) -> dict[str, int]:
    """{"0 to 1": 62, "1 to 2": 48}: how many values lie in each of about PARTS parts between round numbers. A value on
    a border is in the upper part."""
    least = (largest - smallest) / PARTS
    power = 10.0 ** math.floor(math.log10(least))
    step = next(power * k for k in (1, 2, 5, 10) if power * k > 0.99 * least)
    inner = (round(k * step, 12) for k in range(math.floor(smallest / step), math.ceil(largest / step) + 1))
    borders = [smallest, *(border for border in inner if smallest < border < largest), largest]
    counts = np.histogram(values, borders)[0].tolist()
    return {f"{a:.12g} to {b:.12g}": n for (a, b), n in zip(pairwise(borders), counts, strict=True)}


def check_held_out(task: str, splits: Mapping[str, SplitProfile]) -> None:
    """SystemExit where most rows of dev or test are training rows: what is learned by heart would pass for a figure.

    Two data sets may hold the same sentences, as the starter data and the paper's do (sst).
    """
    for split in HELD_OUT:
        refuse_known(f"tasks.{task}", split, splits[split], splits["train"])


def check_auxiliary(splits: Mapping[str, Mapping[str, SplitProfile]], tasks: Mapping[str, Task]) -> None:
    """SystemExit where most dev or test rows of a main task are training rows of an auxiliary one."""
    for name, task in tasks.items():
        for main in [other for other in tasks if task.auxiliary and not tasks[other].auxiliary]:
            for split in HELD_OUT:
                refuse_known(f"tasks.{name}", f"{split} of tasks.{main}", splits[main][split], splits[name]["train"])


def refuse_known(place: str, what: str, held_out: SplitProfile, train: SplitProfile) -> None:
    rows = np.unique(held_out.bare)
    known = len(np.intersect1d(rows, train.bare))
    if len(rows) >= ENOUGH and known >= LEAK * len(rows):
        raise SystemExit(
            f"{place}: {known:,} of {len(rows):,} different rows of {what} are training rows too, "
            f"punctuation aside; take them out of one of the two files"
        )


def shared(task: str, splits: Mapping[str, SplitProfile]) -> Iterator[tuple[str, int]]:
    """(which two splits, how many different texts they share) for each two splits of a task."""
    for a, b in combinations(splits, 2):
        yield f"{task}: {a} and {b}", len(np.intersect1d(splits[a].texts, splits[b].texts))
