"""What the data report says of a split, gathered row by row in a few bytes for each."""

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

import numpy as np

from protomtl.data.readers import Row, digest
from protomtl.tasks.settings import Task

HELD_OUT = ("dev", "test")
LEAK, ENOUGH = 0.5, 100  # share of the rows of dev or test that may be training rows, and of how many rows it is one


class SplitProfile:
    """Counts of one split: rows, labels, lengths in words, and 8-byte digests of its texts."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.rows = 0
        self.labels: Counter[int] = Counter()
        self.words: Counter[int] = Counter()
        self.texts = array("Q")
        self.whole = array("Q")  # all texts of a row
        self.bare = array("Q")  # the same without punctuation

    def add(self, rows: list[Row]) -> None:
        self.rows += len(rows)
        for row in rows:
            self.labels.update(() if row.label is None else self.task.what.bins(self.task, row.label))
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
    """Rows, label histogram, lengths and repeated rows of a split."""
    words = np.repeat(list(split.words), list(split.words.values()))
    return {
        "rows": split.rows,
        "labels": {str(label): split.labels[label] for label in sorted(split.labels)},
        "words": {"mean": round(float(words.mean()), 1), "p95": int(np.percentile(words, 95)), "max": int(words.max())},
        "repeats": split.rows - len(np.unique(split.whole)),
    }


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
