"""Changes of one text that change what it says, or only of whom or how many it says it (Ribeiro et al. 2020).

Each gives the new text, or None where the text is not of the kind for which it is sure what the change does.
"""

import re
from itertools import accumulate, combinations

import numpy as np

from protomtl.perturbations.names import KINDS, NUMBER_WORDS
from protomtl.perturbations.words import (
    DETERMINERS,
    FUNCTION,
    SENTENCE_END,
    WORD,
    Span,
    like,
    lower,
    negative,
    replaced,
    word_set,
    words,
)

AUXILIARIES = word_set("is are was were will would could should must")
BEING = word_set("is are was were")
CONTRACTED = word_set("it's that's he's she's there's they're we're you're i'm")
# A sentence that begins so has another main clause.
SUBORDINATE = word_set("before after when while if as since because although though until unless once what")
# Behind these a clause may say the contrary of the whole.
CONCESSIVE = word_set(
    "though although but while despite yet if even whereas however unless except instead than what who when where "
    "which because only so as how about almost unlikely"
)
# A relation that says the same both ways round.
SYMMETRIC = word_set(
    "and or with next near beside between together versus vs meet meets met same like equal equals other alongside "
    "nor among both joins join joined along"
)
DATES = word_set(
    "january february march april may june july august september october november december monday tuesday wednesday "
    "thursday friday saturday sunday jan feb mar apr jun jul aug sep sept oct nov dec"
)
SINGULAR = word_set("a an this each every")
NO_NOUNS = word_set(
    "away further farther later earlier ago half third fourth fifth quarter first last next same lot bit kind one"
)
NUMBER = re.compile(r"(?<![\w.,:$€£#/-])(?:[2-9]|[1-9]\d{1,2})(?![\w:/(-]|[.,]\d|%)")
LONGEST, BEGINNING = 16, 6  # words of an opinion that is denied, and those among which its verb must be
APART = 3  # words between a determiner and its noun, the noun included


def negated(text: str, auxiliaries: frozenset[str] = AUXILIARIES, within: int | None = None) -> str | None:
    """`not` behind the first auxiliary of one plain statement; not in a question, nor where something is denied.

    within: words among which the auxiliary must be.
    """
    there = words(text)
    if not there or negative(text) or "?" in text or SENTENCE_END.search(text) or lower(text, there[0]) in SUBORDINATE:
        return None
    for place, span in enumerate(there[:within]):
        word, after = lower(text, span), re.match(r"\s+(?!also\b)[^\W\d_]", text[span[1] :])
        if word in CONTRACTED or word in auxiliaries:
            begins = place == 0 and word in auxiliaries  # a question, or a command
            return None if begins or not after else f"{text[: span[1]]} not{text[span[1] :]}"
    return None


def negated_opinion(text: str) -> str | None:
    """The same of a short statement of one part: what is denied is then what it says in favour."""
    found = [lower(text, span) for span in words(text)]
    if len(found) > LONGEST or CONCESSIVE & {*found} or re.search(r"[^\w\s'’.-]|--|\.\.", text.rstrip(" .!")):
        return None
    return negated(text, BEING, within=BEGINNING)


def exchanged(text: str) -> str | None:
    """Two nouns, or two names, in each other's place: those furthest apart that no symmetric word joins."""
    there = words(text)
    if SENTENCE_END.search(text) or sum(text[start].isupper() for start, _ in there) > len(there) / 2:
        return None  # of a headline in capitals nobody knows what is a name
    plain = [lower(text, span) for span in there]
    joining = [*accumulate((word in SYMMETRIC for word in plain), initial=0)]  # of the words before each
    for places in (names_in(text, there), nouns_in(text, there)):
        for first, last in sorted(combinations(places, 2), key=lambda pair: pair[0] - pair[1]):
            apart = last - first > 2 and joining[first + 1] == joining[last]
            if apart and alike(plain[first], plain[last]):
                a, b = there[first], there[last]
                return replaced(text, {a: text[slice(*b)], b: text[slice(*a)]})
    return None


def alike(a: str, b: str) -> bool:
    """Two different words that can stand in each other's place: of one number, neither a form of the other."""
    return a[:4] != b[:4] and a.endswith("s") == b.endswith("s") and "'" not in a + b


def names_in(text: str, there: list[Span]) -> list[int]:
    """Which words are names of one word: a capital in the midst of a sentence, and none beside it."""
    capital = [text[start].isupper() and end - start > 2 for start, end in there]
    return [
        k
        for k in range(1, len(there))
        if capital[k]
        and not any(capital[k - 1 : k] + capital[k + 1 : k + 2])
        and re.search(r"\w $", text[: there[k][0]])
        and lower(text, there[k]) not in FUNCTION | DATES
    ]


def nouns_in(text: str, there: list[Span]) -> list[int]:
    """Which words end a noun phrase: a determiner a little before it, a function word or a sign behind it."""
    found = []
    for k, (start, end) in enumerate(there):
        word = text[start:end]
        ends = re.match(r"[.,;:!?]|$", text[end:]) or (k + 1 < len(there) and lower(text, there[k + 1]) in FUNCTION)
        if not ends or not word.islower() or word in FUNCTION | NO_NOUNS or word.endswith(("ing", "ed", "ly")):
            continue
        before = next((j for j in range(k - 1, max(-1, k - APART - 1), -1) if lower(text, there[j]) in FUNCTION), k)
        phrase = text[there[before][0] : end]
        determiner = lower(text, there[before])
        verb = word.endswith("s") and determiner in SINGULAR  # this post refers
        if determiner in DETERMINERS - {"that"} and not verb and re.fullmatch(r"[^\W\d]+( [^\W\d_A-Z]+)+", phrase):
            found.append(k)
    return found


def names(texts: tuple[str, ...], random: np.random.Generator) -> tuple[str, ...] | None:
    """One name that is in each of the texts becomes another of its kind, wherever it stands."""
    for kinds in (KINDS[k] for k in random.permutation(len(KINDS))):
        here = [k for k, forms in enumerate(kinds) if all(any(has(text, form) for form in forms) for text in texts)]
        free = [k for k, forms in enumerate(kinds) if not any(has(text, form) for text in texts for form in forms)]
        if here and free:
            old, new = kinds[here[random.integers(len(here))]], kinds[free[random.integers(len(free))]]
            return tuple(renamed(text, dict(zip(old, new, strict=True))) for text in texts)
    return None


def has(text: str, name: str) -> bool:
    return name in text and re.search(rf"(?<![\w-]){name}(?![\w-])", text) is not None  # hardly any text has it


def renamed(text: str, new: dict[str, str]) -> str:
    return re.sub(rf"(?<![\w-])({'|'.join(map(re.escape, new))})(?![\w-])", lambda found: new[found[0]], text)


def numbers(texts: tuple[str, ...], random: np.random.Generator) -> tuple[str, ...] | None:
    """One number that is in each of the texts becomes another of its size, wherever it stands."""
    values = [numbers_in(text) for text in texts]
    shared = sorted(set.intersection(*({*found.values()} for found in values)))
    taken = {value for found in values for value in found.values()}
    if not shared:
        return None
    old = shared[random.integers(len(shared))]
    free = [value for value in nearby(old) if value not in taken]
    if not free:
        return None
    new = free[random.integers(len(free))]
    return tuple(
        replaced(text, {span: written(new, text[slice(*span)]) for span, value in found.items() if value == old})
        for text, found in zip(texts, values, strict=True)
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
    digits = {
        found.span(): int(found[0]) for found in NUMBER.finditer(text) if not follows_month(text[: found.start()])
    }
    letters = {found.span(): NUMBER_WORDS.get(found[0].lower(), 0) for found in WORD.finditer(text)}
    return digits | {span: value for span, value in letters.items() if value and free_standing(text, span)}


def follows_month(before: str) -> bool:
    """Whether a text ends with the name of a month or a day, so that a number there is part of a date."""
    found = re.search(r"([^\W\d_]+)\.? $", before)
    return found is not None and found[1].lower() in DATES


def free_standing(text: str, span: Span) -> bool:
    return text[span[0] - 1 : span[0]] != "-" and text[span[1] : span[1] + 1] != "-"


def written(value: int, model: str) -> str:
    """A number in digits or letters, as another one is."""
    if model[0].isdigit():
        return str(value)
    return like(next(word for word, number in NUMBER_WORDS.items() if number == value), model)
