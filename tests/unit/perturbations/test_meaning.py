"""What a change of meaning does is known by construction: of what it is not sure, it leaves alone."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protomtl.perturbations import meaning
from protomtl.perturbations.words import negative, words

PARTS = "A the man woman dog is are not guitar playing red on in Syria Michael 12 two three ten , . and that was"
TEXTS = st.lists(st.sampled_from(PARTS.split()), max_size=20).map(" ".join)


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
        ("This is simply the most fun of the year!", None),  # what is not simply so may be more than that
        ("It's just a treat.", None),
    ],
)
def test_opinions_are_denied_where_they_have_one_part(text: str, new: str | None) -> None:
    assert meaning.negated_opinion(text) == new


@pytest.mark.parametrize("text", ["The man is n´t here", "The film was n`t long", "It´s never here"])
def test_other_signs_are_apostrophes_too(text: str) -> None:
    assert negative(text) and meaning.negated(text) is None


def test_a_long_list_has_no_more_pairs_than_can_be_looked_through() -> None:
    """Of 20,000 names there are 200 million pairs."""
    end = "so then it was Susan"
    assert meaning.exchanged("so it was Robert, " * 100 + end) is not None
    assert meaning.exchanged("so it was Robert, " * 300 + end) is None


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
        ("A word is the pay-off of a task", "A task is the pay-off of a word"),  # no part of a joined word
        (  # above is no noun
            "A number below ten says nothing of the sector, while a number above that does.",
            "A sector below ten says nothing of the number, while a number above that does.",
        ),
        (
            "I said in a letter to the court: you tore my family apart.",
            "I said in a court to the letter: you tore my family apart.",
        ),
        ("The rest of the galaxy moves.", None),
        ("A man is eating the apple.", None),  # a apple
    ],
)
def test_exchanges_by_hand(text: str, new: str | None) -> None:
    assert meaning.exchanged(text) == new
