"""Labels as they stand in a file: names of classes, their numbers, yes and no, or values."""

import math
import re
import unicodedata
from decimal import Decimal
from functools import cache

Names = tuple[str | int, ...]  # of classes, in the order of their numbers; numbers where nobody has named them

YES_NO = ("no", "yes")
ALSO = {"false": 0, "true": 1}  # what programs write for no and yes
JOINERS = "\u200c\u200d"  # within words of Persian or Hindi, and within emoji
UNSEEN = re.compile(
    "[\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]"
)  # where a line may end, its way


def composed(text: str) -> str:
    """A text in which a letter and its accent are one character, all white space is single blanks, and nothing is
    invisible: those of two files that look alike are alike."""
    return " ".join(UNSEEN.sub("", unicodedata.normalize("NFC", text)).split())


def number(text: str) -> float | None:
    """A finite number, or None; Python alone takes 1_0 for ten."""
    if "_" in text:
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def exact(text: str) -> Decimal | None:
    """`number` to its last digit, by which long identifiers are told apart."""
    return None if number(text) is None else Decimal(text)


@cache
def lookup(names: Names) -> tuple[dict[str, int], dict[str, int], dict[Decimal, int]]:
    """The class that each way to write a label stands for: (its name, its name in any case, its number).

    Case does not matter where no other name differs by it alone. Names that are numbers are found by their value, and
    then a number never means a place; else it does, from 0.
    """
    words = {composed(str(name)): k for k, name in enumerate(names)}
    folded = [word.casefold() for word in words]
    any_case = {fold: k for fold, k in zip(folded, words.values(), strict=True) if folded.count(fold) == 1}
    if names == YES_NO:
        any_case |= ALSO
    values = {value: k for k, name in enumerate(names) if (value := exact(str(name))) is not None}
    return words, any_case, values or {Decimal(k): k for k in range(len(names))}


def class_of(names: Names, text: str) -> float | None:
    """The number of the class that a label names, or None."""
    words, any_case, values = lookup(names)
    text = composed(text)
    found = words.get(text, any_case.get(text.casefold()))
    if found is None and (value := exact(text)) is not None:
        found = values.get(value)
    return None if found is None else float(found)


def wanted(names: Names) -> str:
    """What a label may be, for people."""
    if names == (*range(len(names)),):
        return f"from 0 to {len(names) - 1}"
    shown = ", ".join(map(str, names[:10])) + (", …" if len(names) > 10 else "")
    return f"among {shown}"
