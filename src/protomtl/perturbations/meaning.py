"""Changes of one text that change what it says (Ribeiro et al. 2020); of whom or how many, see renaming.py.

Each gives the new text, or None where the text is not of the kind for which it is sure what the change does.
"""

import re
from itertools import accumulate, combinations

from protomtl.perturbations.words import (
    DATES,
    DETERMINERS,
    FUNCTION,
    SENTENCE_END,
    Span,
    article,
    free_standing,
    goes_with,
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
    "which because only just simply merely so as how about almost unlikely"
)
# A relation that says the same both ways round.
SYMMETRIC = word_set(
    "and or with next near beside between together versus vs meet meets met same like equal equals other alongside "
    "nor among both joins join joined along"
)
SINGULAR = word_set("a an this each every")
NO_NOUNS = word_set(
    "away further farther later earlier ago half third fourth fifth quarter first last next same lot bit kind one "
    "apart rest"
)
LONGEST, BEGINNING = 16, 6  # words of an opinion that is denied, and those among which its verb must be
MOST = 200  # places among which two are looked for: of all of a long text there are too many pairs
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
        for first, last in sorted(combinations(places[:MOST], 2), key=lambda pair: pair[0] - pair[1]):
            apart = last - first > 2 and joining[first + 1] == joining[last]
            if apart and alike(plain[first], plain[last]):
                new = {there[first]: text[slice(*there[last])], there[last]: text[slice(*there[first])]}
                if all(goes_with(article(text, span[0]), word) for span, word in new.items()):
                    return replaced(text, new)
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
        and re.fullmatch(r"\w ", text[there[k][0] - 2 : there[k][0]])
        and lower(text, there[k]) not in FUNCTION | DATES
        and free_standing(text, there[k])
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
        if (
            determiner in DETERMINERS - {"that"}
            and not verb
            and free_standing(text, (start, end))
            and re.fullmatch(r"[^\W\d]+( [^\W\d_A-Z]+)+", phrase)
        ):
            found.append(k)
    return found
