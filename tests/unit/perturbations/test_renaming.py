"""Another name or number: the same in all texts, of the same kind, and the rest of the text stays right."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protomtl.perturbations import names, renaming
from protomtl.perturbations.words import NEGATIONS, goes_with

PARTS = "A the man woman dog is are not guitar playing red on in Syria Michael 12 two three ten , . and that was"
TEXTS = st.lists(st.sampled_from(PARTS.split()), max_size=20).map(" ".join)
SEEDS = st.integers(0, 999)


@given(TEXTS, TEXTS, SEEDS)
def test_names_and_numbers_change_alike_in_both_texts(a: str, b: str, seed: int) -> None:
    for change in (renaming.names, renaming.numbers):
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
    assert renaming.names(("Michael runs", "a man runs"), random) is None
    new = renaming.names(("Syrian forces", "forces of Syria"), random)
    assert new is not None and (new[1].removeprefix("forces of "), new[0].removesuffix(" forces")) in names.PLACES
    assert renaming.names(("syria", "syria"), random) is None and renaming.names(("Assyria",), random) is None


@pytest.mark.parametrize(
    "text",
    [
        "in 1999",
        "$12 more",
        "3.5",
        "12:30",
        "on May 12",
        "by 30 September 2003",
        "the 5 of May",
        "on 8 sept",
        "a two-year plan",
        "one",
        "90210",
        "4am",
    ],
)
def test_years_dates_prices_and_parts_of_numbers_stay(text: str) -> None:
    assert renaming.numbers((text,), np.random.default_rng(1)) is None


def test_a_number_is_written_as_the_old_one() -> None:
    new = renaming.numbers(("Two men", "2 men"), np.random.default_rng(1))
    assert new is not None
    word, digits = new[0].split()[0], new[1].split()[0]
    assert names.NUMBER_WORDS[word.lower()] == int(digits) != 2 and word[0].isupper()


@given(st.integers(2, 999))
def test_another_number_is_not_about_the_same(value: int) -> None:
    others = [other for other in renaming.nearby(value) if other != value]
    assert value <= 12 or {len(str(other)) for other in others} == {len(str(value))}
    assert value <= 12 or all(abs(other - value) / value > 0.25 for other in others)


def test_no_name_is_in_two_lists_and_no_form_of_two_places() -> None:
    every = [form for kind in names.KINDS for forms in kind for form in forms]
    assert len(every) == len({*every}) and not NEGATIONS & {form.lower() for form in every}


def test_a_number_before_a_verb_is_of_no_date() -> None:
    assert renaming.numbers(("Some 12 may come",), np.random.default_rng(1)) is not None


@given(st.sampled_from(["a Cuban plane, an Italian", "an 8 percent rise", "A 20 percent fall", "an eleven"]), SEEDS)
def test_an_article_still_fits(text: str, seed: int) -> None:
    for change in (renaming.names, renaming.numbers):
        (new,) = change((text,), np.random.default_rng(seed)) or (text,)
        assert not re.search(r"\ba ([AEIO]|8|1[18]\b|eight|eleven)", new, re.IGNORECASE)
        assert not re.search(r"\ban ([^AEIOaeio81]|1[^18])", new)


@pytest.mark.parametrize(
    ("word", "article"),
    [
        *[("Iraqi", "an"), ("Ukrainian", "a"), ("Ugandan", "a"), ("umbrella", "an"), ("unit", "a"), ("hour", "an")],
        *[("8", "an"), ("80", "an"), ("800", "an"), ("11", "an"), ("18", "an"), ("110", "a"), ("twelve", "a")],
        *[("European", "a"), ("one", "a"), ("house", "a")],
    ],
)
def test_articles_by_hand(word: str, article: str) -> None:
    assert goes_with(article, word) and not goes_with({"a": "an", "an": "a"}[article], word) and goes_with("", word)
