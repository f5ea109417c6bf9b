"""Noise that keeps the label: typos, other case, dropped function words, common misspellings.

A function takes a text, the share of its words that is to change, a generator and the words of all rows that are
changed, and gives the new text; None where no word of the text can change so. The expected number of changed words is
the share of all of them: a short text may have none. A larger share changes the same words and more.
"""

from collections.abc import Callable
from functools import cache
from importlib.resources import files

import numpy as np

from protomtl.perturbations.words import DROPPED, Span, free_standing, like, lower, replaced, words

SHORTEST = 4  # letters of a word that gets a typo: a shorter one often becomes another word
LONGEST = 100  # what is longer is no word, and has more misprints than there is room for
KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
Known = frozenset[str]


def chosen(eligible: list[Span], all_words: int, share: float, random: np.random.Generator) -> list[Span]:
    """Some of the words: in the mean the share of all, of which only the eligible can be chosen."""
    wanted = int(share * all_words + random.random())
    return [eligible[k] for k in random.permutation(len(eligible))[:wanted]]


def typos(text: str, share: float, random: np.random.Generator, known: Known) -> str | None:
    """A neighbouring key, two letters swapped, or one left out; the first letter stays, and no word becomes another."""
    there = words(text)
    eligible = [s for s in there if text[slice(*s)].isalpha() and SHORTEST <= s[1] - s[0] <= LONGEST]
    new = {}
    for span in chosen(eligible, len(there), share, random):
        found = misprints(text[slice(*span)], known)
        new[span] = found[random.integers(len(found))] if found else text[slice(*span)]
    return replaced(text, new) if eligible else None


def misprints(word: str, known: Known) -> list[str]:
    """The words with one typo that are not known."""
    inner = range(1, len(word))
    drops = [word[:k] + word[k + 1 :] for k in inner]
    swaps = [word[:k] + word[k + 1] + word[k] + word[k + 2 :] for k in inner if k + 1 < len(word)]
    slips = [
        word[:k] + like(key, word[k]) + word[k + 1 :] for k in inner for key in neighbours().get(word[k].lower(), "")
    ]
    return sorted({w for w in (*drops, *swaps, *slips) if w.lower() not in known and w.lower() != word.lower()})


@cache
def neighbours() -> dict[str, str]:
    """Of each letter the keys left and right of it, and those above and below it."""
    found = {}
    for row, keys in enumerate(KEYS):
        for place, key in enumerate(keys):
            beside = [keys[k] for k in (place - 1, place + 1) if 0 <= k < len(keys)]
            above = [KEYS[row - 1][k] for k in (place, place + 1) if k < len(KEYS[row - 1])] if row else []
            below = [KEYS[row + 1][k] for k in (place - 1, place) if 0 <= k < len(KEYS[row + 1])] if row < 2 else []
            found[key] = "".join(beside + above + below)
    return found


def case(text: str, share: float, random: np.random.Generator, known: Known) -> str | None:
    """All in capitals; what is in capitals already, all small. The letters stay what they are."""
    for turn in (str.upper, str.lower):
        turned = "".join(turn(c) if turn(c).lower() == c.lower() and len(turn(c)) == 1 else c for c in text)
        if turned != text:
            return turned
    return None


def dropped(text: str, share: float, random: np.random.Generator, known: Known) -> str | None:
    """Some function words left out, of those that decide nothing: no negation, no number, no word of content."""
    there = words(text)
    eligible = [span for span in there if lower(text, span) in DROPPED and free_standing(text, span)]
    if not eligible or len(eligible) == len(there):
        return None
    gone = {}
    for start, end in chosen(eligible, len(there), share, random):
        gone[start, end + (text[end : end + 1] == " ")] = ""
    return replaced(text, gone).strip()


def misspelled(text: str, share: float, random: np.random.Generator, known: Known) -> str | None:
    """Some words as people often misspell them."""
    there, misspellings = words(text), common_misspellings()
    eligible = [span for span in there if set(misspellings.get(lower(text, span), ())) - known]
    if not eligible:
        return None
    new = {}
    for span in chosen(eligible, len(there), share, random):
        found = [word for word in misspellings[lower(text, span)] if word not in known]
        new[span] = like(found[random.integers(len(found))], text[slice(*span)])
    return replaced(text, new)


@cache
def common_misspellings() -> dict[str, tuple[str, ...]]:
    """Word -> its misspellings, from the dictionary of codespell; those aside that may stand for several words."""
    found: dict[str, list[str]] = {}
    path = files("codespell_lib") / "data" / "dictionary.txt"
    for line in path.read_text(encoding="utf-8").splitlines():
        wrong, _, right = line.partition("->")
        if right.isalpha() and wrong.isalpha() and len(right) >= SHORTEST:
            found.setdefault(right.lower(), []).append(wrong.lower())
    return {word: tuple(sorted(wrong)) for word, wrong in found.items()}


NOISE: dict[str, Callable[[str, float, np.random.Generator, Known], str | None]] = {
    "typos": typos,
    "case": case,
    "dropped": dropped,
    "misspelled": misspelled,
}
