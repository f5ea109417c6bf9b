"""Columns of a table: what their names say, what their values are, and which of these say nothing."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import count
from typing import NamedTuple

from protomtl.tasks.kinds import SEPARATORS
from protomtl.tasks.labels import number

IDS = re.compile(r"(^|_)(id|ids|idx|index|uid|uuid|guid|row|number|unnamed.*)$|^$", re.I)
LABELS = re.compile(
    r"label|class|target|score|sentiment|star|rating|category|related|similar|gold|emotion|topic|intent|duplicate"
    r"|quality|stance|toxic|spam|^is_|^y$|^answer$|judg|grade|polarity|(^|_)tags?$",
    re.I,
)
TEXTS = re.compile(r"text|sentence|premise|hypothesis|question|review|comment|tweet|title|body|message|passage", re.I)
NUMBERED = re.compile(
    rf"({TEXTS.pattern})s?[\W_]*([\dab]|one|two|left|right)?$", re.I
)  # no more is said of it: no parse
AMOUNTS = re.compile(r"score|rating|stars?(?![a-z])|related|similar|polarity", re.I)  # numbers that count: 05 of 10
CODE = re.compile(r"0\d+|\d{16,}")  # is counted by nobody: 007, or an identifier that no float holds
DATE = re.compile(r"(\d{4}([-./])\d\d?\2\d\d?|\d\d?([-./])\d\d?\3(\d{4}|\d\d))([ T]\d.*)?")
UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")  # no blanks stand there
PERCENT = re.compile(r"\s*%$")
NOTHING = {"nan", "n/a", "#n/a", "<na>", "nat", "null"}  # what programs write where there is no value
OR_NOTHING = {"na", "none", "-", "--", "?", "."}  # the same among numbers; elsewhere these may be classes


class Column(NamedTuple):
    """What matters of one column: its name and its values, empty ones aside; the order of its classes where a file
    says it; and whether its values had percent signs."""

    name: str
    values: list[str]
    order: Sequence[str] = ()
    share: bool = False

    @property
    def words(self) -> float:
        """Mean number of words; where none stand apart, two characters are one."""
        return sum(map(words_of, self.values)) / max(1, len(self.values))

    @property
    def numbers(self) -> list[float]:
        """The values, if all are numbers; else nothing."""
        found = [number(value) for value in self.values]
        return [] if None in found else [value for value in found if value is not None]

    @property
    def codes(self) -> bool:
        """Whether the numbers among the values are names, which have no order of theirs and keep their zeros. Beside
        fractions or percent signs, and where the column's name says that it counts, they are numbers."""
        counts = self.share or AMOUNTS.search(self.name) or any(not value.is_integer() for value in self.numbers)
        return not counts and any(CODE.fullmatch(value) for value in self.values)

    @property
    def votes(self) -> bool:
        """Whether a list has a part twice, as what several people said does; classes of a row do not."""
        found = ([part.strip() for part in re.split(SEPARATORS, value)] for value in {*self.values})
        return any(len({*parts}) < len(parts) for parts in found if "" not in parts)

    @property
    def dates(self) -> bool:
        return bool(self.values) and all(DATE.fullmatch(value) for value in self.values)

    @property
    def different(self) -> int:
        return len(set(self.values))

    @property
    def parts(self) -> list[str]:
        """What stands between semicolons or bars in the values, if these are lists of what repeats; else nothing. A
        name such as R;D, whose parts stand nowhere else, is no list."""
        split = {value: [p.strip() for p in re.split(SEPARATORS, value) if p.strip()] for value in {*self.values}}
        where = Counter(part for own in split.values() for part in {*own})
        apart = max(where.values(), default=0) < 2 and max(map(len, split.values()), default=0) > 1
        if apart or len(where) > len(self.values) / 2 or not re.search(SEPARATORS, "".join(split)):
            return []
        return [part for value in self.values for part in split[value]]


def numbered(name: str) -> Iterator[str]:
    """A name, then the same with 2, 3, … behind it: of these the first that is free is taken."""
    yield name
    yield from (f"{name}{k}" for k in count(2))


def words_of(text: str) -> float:
    """The number of words, as far as white space and the script tell."""
    return len(text.split()) + len(UNSPACED.findall(text)) / 2


def said(values: Sequence[str]) -> list[str]:
    """The values of a column, white space round them aside; nothing where they say that there is none."""
    found = [value.strip() for value in values]
    found = ["" if value.casefold() in NOTHING else value for value in found]
    rest = {value.casefold() for value in found if value} - OR_NOTHING
    if rest and all(number(value) is not None for value in rest):
        found = ["" if value.casefold() in OR_NOTHING else value for value in found]
    if len(rest) > 1 and "+" not in rest:  # as the gold label of pairs on which people did not agree
        found = ["" if value == "-" else value for value in found]
    return found
