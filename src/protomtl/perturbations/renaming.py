"""Another name or number in a text: whether it says the same of others (Ribeiro et al. 2020).

Each gives the new texts, or None where no name or number is of the kind that another one can stand for.
"""

import re
from collections.abc import Iterable, Iterator

import numpy as np

from protomtl.perturbations.names import KINDS, NUMBER_WORDS
from protomtl.perturbations.words import (
    DATES,
    MONTHS,
    WORD,
    Span,
    article,
    free_standing,
    goes_with,
    like,
    replaced,
)

DATE = 20  # characters beside a number among which the name of a month or a day is
NUMBER = re.compile(r"(?<![\w.,:$€£#/-])(?:[2-9]|[1-9]\d{1,2})(?![\w:/(-]|[.,]\d|%)")


def names(texts: tuple[str, ...], random: np.random.Generator) -> tuple[str, ...] | None:
    """One name that is in each of the texts becomes another of its kind, wherever it stands."""
    for kinds in (KINDS[k] for k in random.permutation(len(KINDS))):
        here = [k for k, forms in enumerate(kinds) if all(any(has(text, form) for form in forms) for text in texts)]
        free = [k for k, forms in enumerate(kinds) if not any(has(text, form) for text in texts for form in forms)]
        if here and free:
            old = kinds[here[random.integers(len(here))]]
            news = [dict(zip(old, kinds[k], strict=True)) for k in free]
            articles = {(article(text, place.start()), place[0]) for text in texts for place in places(text, old)}
            fitting = [new for new in news if all(goes_with(before, new[form]) for before, form in articles)]
            new = fitting[random.integers(len(fitting))] if fitting else {}
            return tuple(renamed(text, new) for text in texts) if new else None
    return None


def has(text: str, name: str) -> bool:
    return name in text and next(places(text, (name,)), None) is not None  # hardly any text has it


def places(text: str, forms: Iterable[str]) -> Iterator[re.Match[str]]:
    """Where a text has one of the names, by itself."""
    return re.finditer(rf"(?<![\w-])(?:{'|'.join(map(re.escape, forms))})(?![\w-])", text)


def renamed(text: str, new: dict[str, str]) -> str:
    return replaced(text, {place.span(): new[place[0]] for place in places(text, new)})


def numbers(texts: tuple[str, ...], random: np.random.Generator) -> tuple[str, ...] | None:
    """One number that is in each of the texts becomes another of its size, wherever it stands."""
    values = [numbers_in(text) for text in texts]
    shared = sorted(set.intersection(*({*found.values()} for found in values)))
    taken = {value for found in values for value in found.values()}
    if not shared:
        return None
    old = shared[random.integers(len(shared))]
    spans = [[span for span, value in found.items() if value == old] for found in values]
    articles = {
        (article(text, start), text[start:end]) for text, own in zip(texts, spans, strict=True) for start, end in own
    }
    free = [
        value
        for value in nearby(old)
        if value not in taken and all(goes_with(before, written(value, model)) for before, model in articles)
    ]
    if not free:
        return None
    new = free[random.integers(len(free))]
    return tuple(
        replaced(text, {span: written(new, text[slice(*span)]) for span in own})
        for text, own in zip(texts, spans, strict=True)
    )


def nearby(value: int) -> list[int]:
    """Numbers of about that size, none so near that a reader would call them about the same."""
    if value <= max(NUMBER_WORDS.values()):
        return [*NUMBER_WORDS.values()]
    return [
        n for n in range(value // 2 + 1, 2 * value) if len(str(n)) == len(str(value)) and abs(n - value) * 4 > value
    ]


def numbers_in(text: str) -> dict[Span, int]:
    """Whole numbers from 2 to 999 that count something, in digits or up to twelve in letters, and where they stand."""
    digits = {found.span(): int(found[0]) for found in NUMBER.finditer(text) if not of_date(text, *found.span())}
    letters = {found.span(): NUMBER_WORDS.get(found[0].lower(), 0) for found in WORD.finditer(text)}
    return digits | {span: value for span, value in letters.items() if value and free_standing(text, span)}


def of_date(text: str, start: int, end: int) -> bool:
    """Whether the name of a month or a day is before a number, or that of a month behind it; `may` is a verb too."""
    before = re.search(r"([^\W\d_]+)\.? $", text[max(0, start - DATE) : start])
    behind = re.match(r" (?:of )?([^\W\d_]+)", text[end : end + DATE])
    return (before is not None and before[1].lower() in DATES) or (
        behind is not None and behind[1] != "may" and behind[1].lower() in MONTHS
    )


def written(value: int, model: str) -> str:
    """A number in digits or letters, as another one is."""
    if model[0].isdigit():
        return str(value)
    return like(next(word for word, number in NUMBER_WORDS.items() if number == value), model)
