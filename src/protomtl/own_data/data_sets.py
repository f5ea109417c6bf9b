"""Which files belong together: the splits of one data set, or several data sets that become tasks side by side."""

import re
from collections.abc import Sequence
from pathlib import Path

from protomtl.own_data.fields import Table
from protomtl.own_data.guessing import SHARD, Guess, in_ascii, split_of


def data_sets(tables: Sequence[Table]) -> dict[str, list[Table]]:
    """The tables of each data set by its name, which is empty if there is one alone.

    Files are one if each name says another split, as train.csv and test.csv do. Else those are one whose names are the
    same without the split: reviews_train.csv and reviews_test.csv; a name without one is a data set of its own. Raises
    Guess for a name that says nothing but its split, beside others.
    """
    said = [split_of(table.path.name) for table in tables]
    if None not in said and len({*said}) == len(said):
        return {"": [*tables]}
    found: dict[str, list[Table]] = {}
    for table in tables:
        found.setdefault(name_of(table.path), []).append(table)
    if len(found) == 1:
        return {"": [*tables]}
    if nameless := found.get(""):
        raise Guess(
            f"{nameless[0].path}: a split of which data set? For one data set all names say train, dev or test, each "
            "once; for several each says which it is, as reviews_train.csv and pairs_train.csv do"
        )
    return found


def stem(path: Path) -> str:
    """A file's name without its endings, and without which part of how many it is."""
    return SHARD.sub("", path.name.partition(".")[0])


def name_of(path: Path) -> str:
    """What a file's name says beside its split, as the name of a folder: `reviews` of Reviews-train.csv."""
    words = re.findall(r"[A-Z]*[a-z0-9]+|[A-Z]+", in_ascii(stem(path)))
    return "_".join(word.lower() for word in words if split_of(re.sub(r"\d", "", word)) is None)
