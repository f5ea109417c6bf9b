"""Words of an English text, by place; which of them carry meaning."""

import re
import unicodedata
from collections.abc import Iterable, Mapping

Span = tuple[int, int]


def word_set(text: str) -> frozenset[str]:
    """The words of a list that is easy to read."""
    return frozenset(text.split())


APOSTROPHES = "'’`´"
WORD = re.compile(rf"[^\W\d_]+(?:[{APOSTROPHES}][^\W\d_]+)*")
PLAIN = str.maketrans(dict.fromkeys(APOSTROPHES, "'"))
HYPHENS = "-\u2010\u2011"  # the last one ends no line
# How a word or a number begins that has `an` before it.
VOWEL = re.compile(r"(?!eu|one)[aeio]|u(?:n(?!i)|[mpl])|h(?:our|onest|eir)|8|1[18]$", re.IGNORECASE)
SENTENCE_END = re.compile(r"[.!?]['\"’”)]*\s+(?=[^\W\d_])")

MONTHS = word_set(
    "january february march april may june july august september october november december jan feb mar apr jun jul aug "
    "sep sept oct nov dec"
)
DATES = MONTHS | word_set("monday tuesday wednesday thursday friday saturday sunday")
DETERMINERS = word_set("a an the this that these those his her its their my your our some any each every")
NEGATIONS = word_set(
    "not no never none nobody nothing nowhere neither nor cannot without hardly barely scarcely seldom rarely"
)
# Words that a text can lose and still say the same; `would` decides, as in what would have been good.
DROPPED = word_set("a an the of to is are was were be been has have had that which there it")
FUNCTION = (
    DETERMINERS
    | NEGATIONS
    | DROPPED
    | word_set(
        "and or but if so as at by for from in into on onto off over under up down out about after before during than "
        "then through between with within against among around behind beside near next toward towards upon via per "
        "above below across along beyond beneath inside outside throughout despite except whether will would "
        "he she they we you i me him them us who whom whose what when where why how do does did done doing being am "
        "can could may might must shall should not too also just only very more most much many few all both either "
        "while because since until though although yet however even still again here now s t"
    )
)


def words(text: str) -> list[Span]:
    """Where the words of a text begin and end: letters, with apostrophes within."""
    return [found.span() for found in WORD.finditer(text)]


def lower(text: str, span: Span) -> str:
    """A word in small letters."""
    return text[slice(*span)].lower().translate(PLAIN)


def free_standing(text: str, span: Span) -> bool:
    """Whether a word is a whole one: nothing joins it to another one, as a hyphen does, and no mark stands on it."""
    return not any(map(joins, text[max(0, span[0] - 1) : span[0]] + text[span[1] : span[1] + 1]))


def joins(sign: str) -> bool:
    """Whether a sign beside letters makes one word of them and what is beyond it: hyphens, also those that are not
    seen, joiners, and marks on the letter before."""
    return sign in HYPHENS or unicodedata.category(sign) in ("Cf", "Mn", "Mc", "Me")


def article(text: str, start: int) -> str:
    """`a` or `an` in small letters if it stands right before a place, else nothing."""
    found = re.search(r"\b(an?)\s$", text[max(0, start - 4) : start], re.IGNORECASE)
    return found[1].lower() if found else ""


def goes_with(article: str, word: str) -> bool:
    """Whether an article, or none, can stand before a word or a number."""
    return not article or (article == "an") == (VOWEL.match(word) is not None)


def replaced(text: str, new: Mapping[Span, str]) -> str:
    """The text with other words in some places."""
    parts, done = [], 0
    for (start, end), word in sorted(new.items()):
        parts += [text[done:start], word]
        done = end
    return "".join([*parts, text[done:]])


def like(word: str, model: str) -> str:
    """A word with the capitals of another: all, the first, or its own."""
    if len(model) > 1 and model.isupper():
        return word.upper()
    return word[:1].upper() + word[1:] if model[:1].isupper() else word


def vocabulary(texts: Iterable[str]) -> frozenset[str]:
    """All words of some texts, in small letters."""
    return frozenset(lower(text, span) for text in texts for span in words(text))


def negative(text: str) -> bool:
    """Whether a text says no to something."""
    found = {lower(text, span) for span in words(text)}
    return bool(found & NEGATIONS) or any(word.endswith("n't") for word in found)
