"""What a change of meaning does is known by construction: of what it is not sure, it leaves alone."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protomtl.perturbations import meaning, names
from protomtl.perturbations.words import NEGATIONS, negative, words

PARTS = "A the man woman dog is are not guitar playing red on in Syria Michael 12 two three ten , . and that was"
TEXTS = st.lists(st.sampled_from(PARTS.split()), max_size=20).map(" ".join)
SEEDS = st.integers(0, 999)


def parts(text: str) -> list[str]:
    return [text[slice(*span)] for span in words(text)]


@given(TEXTS)
def test_to_take_the_negation_out_gives_the_text_back(text: str) -> None:
    new = meaning.negated(text)
    assert new is None or (new.replace(" not", "", 1) == text and negative(new) and not negative(text))


@pytest.mark.parametrize(
    ("text", "new"),
    [
        ("A man is playing a guitar.", "A man is not playing a guitar."),
        ("It's a treat.", "It's not a treat."),
        ("The deal will close in May.", "The deal will not close in May."),
        ("Is it good?", None),  # a question
        ("Are those dogs", None),
        ("Nobody is here.", None),  # denied already
        ("It isn't good.", None),
        ("It is good. It is old.", None),  # which of the two
        ("When he was old he sang", None),  # not the main clause
        ("Dogs run.", None),
        ("They are also here.", None),
    ],
)
def test_negations_by_hand(text: str, new: str | None) -> None:
    assert meaning.negated(text) == new


@pytest.mark.parametrize(
    ("text", "new"),
    [
        ("The film is full of charm.", "The film is not full of charm."),
        ("The film is bad but the actors are good.", None),  # the first part is not what it says in favour
        ("It is so good that I cried.", None),
        ("It would be good.", None),
        ("What a film", None),
    ],
)
def test_opinions_are_denied_where_they_have_one_part(text: str, new: str | None) -> None:
    assert meaning.negated_opinion(text) == new


@given(TEXTS)
def test_an_exchange_has_the_same_words_in_two_other_places(text: str) -> None:
    new = meaning.exchanged(text)
    if new is not None:
        before, after = parts(text), parts(new)
        assert Counter(before) == Counter(after) and len(new) == len(text)
        assert sum(a != b for a, b in zip(before, after, strict=True)) == 2


@pytest.mark.parametrize(
    ("text", "new"),
    [
        ("A man is playing a guitar.", "A guitar is playing a man."),
        ("Yesterday Russia let Putin use the army", None),  # names beside verbs alone, one word between
        ("The court says Russia may sell gas to Ukraine.", "The court says Ukraine may sell gas to Russia."),
        ("A man and a woman", None),  # the same both ways round
        ("A man is playing a guitar. It is red.", None),  # of several sentences nobody knows
        ("A cow stands next to a woman.", None),
        ("Stocks Fall In Early Trade", None),  # a headline in capitals
        ("The Nasdaq fell for a month, they say", None),  # one noun only
    ],
)
def test_exchanges_by_hand(text: str, new: str | None) -> None:
    assert meaning.exchanged(text) == new


@given(TEXTS, TEXTS, SEEDS)
def test_names_and_numbers_change_alike_in_both_texts(a: str, b: str, seed: int) -> None:
    for change in (meaning.names, meaning.numbers):
        new = change((a, b), np.random.default_rng(seed))
        assert new == change((a, b), np.random.default_rng(seed))
        if new is not None:
            forth: dict[str, str] = {}
            for old, text in zip((a, b), new, strict=True):
                assert old != text and len(old.split()) == len(text.split())
                for x, y in zip(old.split(), text.split(), strict=True):
                    assert forth.setdefault(x.lower(), y.lower()) == y.lower()  # one for one
            assert len({*forth.values()}) == len(forth)  # so it can be turned back


def test_a_name_that_is_in_one_text_only_stays() -> None:
    random = np.random.default_rng(1)
    assert meaning.names(("Michael runs", "a man runs"), random) is None
    new = meaning.names(("Syrian forces", "forces of Syria"), random)
    assert new is not None and (new[1].removeprefix("forces of "), new[0].removesuffix(" forces")) in names.PLACES
    assert meaning.names(("syria", "syria"), random) is None and meaning.names(("Assyria",), random) is None


@pytest.mark.parametrize(
    "text", ["in 1999", "$12 more", "3.5", "12:30", "on May 12", "a two-year plan", "one", "90210", "4am"]
)
def test_years_dates_prices_and_parts_of_numbers_stay(text: str) -> None:
    assert meaning.numbers((text,), np.random.default_rng(1)) is None


def test_a_number_is_written_as_the_old_one() -> None:
    new = meaning.numbers(("Two men", "2 men"), np.random.default_rng(1))
    assert new is not None
    word, digits = new[0].split()[0], new[1].split()[0]
    assert names.NUMBER_WORDS[word.lower()] == int(digits) != 2 and word[0].isupper()


@given(st.integers(2, 999))
def test_another_number_is_not_about_the_same(value: int) -> None:
    others = [other for other in meaning.nearby(value) if other != value]
    assert value <= 12 or {len(str(other)) for other in others} == {len(str(value))}
    assert value <= 12 or all(abs(other - value) / value > 0.25 for other in others)


def test_no_name_is_in_two_lists_and_no_form_of_two_places() -> None:
    every = [form for kind in names.KINDS for forms in kind for form in forms]
    assert len(every) == len({*every}) and not NEGATIONS & {form.lower() for form in every}
