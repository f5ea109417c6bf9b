"""What the columns of a table seem to be: texts, labels and of which kind. Functions of data, nothing is read here."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import chain, pairwise

from protomtl.own_data.columns import IDS, LABELS, NUMBERED, TEXTS, Column, numbered

SPLITS = {  # how files and columns name them
    "train": ("train", "training"),
    "dev": ("dev", "development", "valid", "validation", "val", "eval", "trial"),
    "test": ("test", "testing", "heldout", "holdout"),
}
SHARD = re.compile(r"[-_]\d+-of-\d+(?=$|\.)")  # a part of a split, as train-00000-of-00002.parquet of the hub
WORDS = 2.5  # on average, from which a column is one of texts
SAYING_NOTHING = {"label", "labels", "class", "target", "y", "score", "gold", "value", "answer", "rating"}
LONGEST = 64  # name of a task
SHORT = 8  # words, up to which a string can name a class
STEPS = 20  # from one row to the next, from which counting is no chance


class Guess(ValueError):
    """Nothing can be proposed; the message says why, and what to do."""


def split_of(name: str) -> str | None:
    """The split that a file's or a value's name says: SICK_train.txt, dev.csv, TRIAL."""
    words = re.split(r"[^a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower())
    found = [split for split, names in SPLITS.items() if set(words) & set(names)]
    return found[0] if len(found) == 1 else None


def split_column(columns: Iterable[Column]) -> str | None:
    """A column whose every value names a split, with train among them."""
    for column in columns:
        found = {split_of(value) for value in set(column.values)} if column.different <= 2 * len(SPLITS) else {None}
        if None not in found and "train" in found and len(found) > 1:
            return column.name
    return None


def texts_of(columns: Sequence[Column]) -> list[str]:
    """The one or two columns of texts: by their names where these say it, else the wordiest. Raises Guess."""
    wordy = [c for c in columns if not c.numbers and c.words >= WORDS and c.different > 1 and not IDS.search(c.name)]
    wordy = [c for c in wordy if not (c.parts and classes_like(c))]
    named = [c for c in wordy if TEXTS.search(c.name) and not LABELS.search(c.name)]
    plain = [c for c in named if NUMBERED.search(c.name)]
    chosen = plain or named or wordy or [c for c in columns if TEXTS.fullmatch(c.name) and not c.numbers]
    if not chosen:
        raise Guess(f"no column seems to hold texts; name it by --text; there are {those(columns)}")
    return [c.name for c in chosen[:2]]


def labels_of(columns: Sequence[Column], texts: Sequence[str], enough: bool = False) -> list[str]:
    """The columns of labels, a task each: by their names where these say it, else what can be one. Raises Guess.

    enough: there are labels without these, so that names alone count.
    """
    rest = [c for c in columns if c.name not in texts and c.values and not is_id(c)]
    named = [c for c in rest if LABELS.search(c.name)]
    possible = [c for c in rest if can_be_label(c)]
    chosen = [c for c in named if c in possible]
    chosen = [c for c in chosen if not c.votes] or chosen
    if not chosen and not enough:
        chosen = possible[-1:] or named[:1]  # the latter: to be told what is wrong
    if not chosen and not enough:
        raise Guess(f"no column seems to hold labels; name it by --label; there are {those(columns)}")
    return [c.name for c in chosen]


def can_be_label(column: Column) -> bool:
    """Whether its values are numbers or names of classes, whatever its own name says."""
    return bool(column.numbers or classes_like(column)) and not column.dates


def rivals(labels: Sequence[str], columns: Sequence[Column]) -> list[str]:
    """The columns that can be the label as well as what was taken for it, where the name of that does not say it."""
    named = any(LABELS.search(label) for label in labels)
    return [] if named else [column.name for column in columns if can_be_label(column)]


def those(columns: Sequence[Column]) -> str:
    return ", ".join(repr(column.name) for column in columns)


def is_id(column: Column) -> bool:
    """Whether it numbers the rows, as its name or its values say; `label_id` numbers classes."""
    named, repeats = LABELS.search(column.name), column.different <= len(column.values) / 2
    if IDS.search(column.name):
        return not (named and repeats)
    return not (named or repeats) and counts_up(column)


def counts_up(column: Column) -> bool:
    """Whether its values go up by one from row to row; anew in each file."""
    steps = [after - before for before, after in pairwise(column.numbers)]
    return len(steps) >= STEPS and steps.count(1) > 0.9 * len(steps)


def classes_like(column: Column) -> bool:
    """Whether strings repeat and are short, as names of classes do."""
    if column.parts:
        return Column(column.name, column.parts).words <= SHORT
    return column.different <= max(2, len(column.values) / 2) and column.words <= SHORT


def task_name(label: str, data: str, taken: Iterable[str]) -> str:
    """A name for the task of a column: letters, digits and underscores, none that is taken. `data`: the name of the
    data, which says more than a column `label` does."""
    own, taken = re.sub(r"_(label|score|id|text|name)$", "", identifier(label)), {*taken}
    name = identifier(data) or "task" if not own or own in SAYING_NOTHING else own
    name = (own if own and name in taken else name)[: LONGEST - 5]
    return next(n for n in chain([name, f"{name}_task"], numbered(name)) if n not in taken)


def identifier(text: str) -> str:
    """The letters and digits of a text, without accents, and underscores between its words."""
    return re.sub(r"\W+", "_", in_ascii(text)).strip("_").lower()


def in_ascii(text: str) -> str:
    """Without accents and what ASCII has not."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
