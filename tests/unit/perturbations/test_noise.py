"""Noise keeps its promises: how much changes, what never does, the same again."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protomtl.perturbations import noise
from protomtl.perturbations.noise import NOISE
from protomtl.perturbations.words import DROPPED, NEGATIONS, lower, replaced, words

PARTS = "The a film is not really good because it's dull 7 – never Żółw ok; wonderful, acting"
SENTENCES = st.lists(
    st.sampled_from(PARTS.split()),
    min_size=1,
    max_size=30,
).map(" ".join)
TEXTS = st.one_of(SENTENCES, st.text(max_size=60))
SEEDS = st.integers(0, 999)
SHARES = st.floats(0.01, 1)
NOTHING: frozenset[str] = frozenset()


def noisy(how: str, text: str, share: float, seed: int, known: frozenset[str] = NOTHING) -> str | None:
    return NOISE[how](text, share, np.random.default_rng(seed), known)


def parts(text: str) -> list[str]:
    return [text[slice(*span)] for span in words(text)]


def outside(text: str) -> str:
    """What is between the words."""
    return re.sub(r"[^\W\d_]+(?:['’][^\W\d_]+)*", "_", text)


@given(st.sampled_from([*NOISE]), TEXTS, SHARES, SEEDS)
def test_the_same_seed_gives_the_same_text(how: str, text: str, share: float, seed: int) -> None:
    assert noisy(how, text, share, seed) == noisy(how, text, share, seed)


@given(st.sampled_from(["typos", "misspelled"]), TEXTS, SHARES, SEEDS)
def test_only_so_many_words_change_and_nothing_between_them(how: str, text: str, share: float, seed: int) -> None:
    new = noisy(how, text, share, seed)
    if new is None:
        return
    before, after = parts(text), parts(new)
    assert outside(new) == outside(text) and len(after) == len(before)
    changed = sum(a != b for a, b in zip(before, after, strict=True))
    assert changed <= int(share * len(before)) + 1


@given(TEXTS, SHARES, SEEDS)
def test_a_typo_is_one_slip_behind_the_first_letter(text: str, share: float, seed: int) -> None:
    for old, new in zip(parts(text), parts(noisy("typos", text, share, seed) or text), strict=True):
        if old != new:
            assert len(old) >= noise.SHORTEST and old[0] == new[0] and len(old) - len(new) in (0, 1)
            differs = [k for k in range(len(new)) if old[k] != new[k]] if len(old) == len(new) else []
            assert len(differs) <= 2
            if len(differs) == 2:  # swapped
                j, k = differs
                assert k == j + 1 and (old[j], old[k]) == (new[k], new[j])
            if len(differs) == 1:
                assert new[differs[0]].lower() in noise.neighbours()[old[differs[0]].lower()]


@given(TEXTS, SEEDS)
def test_no_typo_makes_a_word_that_is_known(text: str, seed: int) -> None:
    known = frozenset(noise.misprints("wonderful", NOTHING)[::2])
    new = noisy("typos", text, 1.0, seed, known)
    assert not known & {lower(new, span) for span in words(new)} if new else True


@given(TEXTS, SEEDS)
def test_a_larger_share_changes_the_same_words_and_more(text: str, seed: int) -> None:
    few, many = (noisy("typos", text, share, seed) or text for share in (0.1, 0.4))
    changed = [{k for k, (a, b) in enumerate(zip(parts(text), parts(n), strict=True)) if a != b} for n in (few, many)]
    assert changed[0] <= changed[1]


def test_the_share_of_changed_words_is_the_one_asked_for() -> None:
    text = "several wonderful actors carry this otherwise ordinary little story"  # nine words
    changed = [
        sum(a != b for a, b in zip(parts(text), parts(noisy("typos", text, 0.1, s) or ""), strict=True))
        for s in range(900)
    ]
    assert set(changed) <= {0, 1} and np.mean(changed) == pytest.approx(0.9, abs=0.04)


@given(TEXTS, SEEDS)
def test_case_keeps_every_letter(text: str, seed: int) -> None:
    new = noisy("case", text, 0.1, seed)
    assert new is None or (new != text and len(new) == len(text) and new.lower() == text.lower())


@given(TEXTS, SHARES, SEEDS)
def test_only_function_words_are_dropped_and_no_negation(text: str, share: float, seed: int) -> None:
    new = noisy("dropped", text, share, seed)
    if new is None:
        return
    left = iter(parts(new))
    kept = next(left, None)
    for word in parts(text):  # what is left is in the old order
        if word == kept:
            kept = next(left, None)
        else:
            assert word.lower() in DROPPED
    assert kept is None and not DROPPED & NEGATIONS and parts(new)
    assert re.sub(r"\W|[^\W\d_]", "", new) == re.sub(r"\W|[^\W\d_]", "", text)  # numbers


@given(SENTENCES, SEEDS)
def test_a_misspelling_is_one_of_the_dictionary(text: str, seed: int) -> None:
    for old, new in zip(parts(text), parts(noisy("misspelled", text, 1.0, seed) or text), strict=True):
        assert old == new or new.lower() in noise.common_misspellings()[old.lower()]


@pytest.mark.parametrize("how", [*NOISE])
@pytest.mark.parametrize("text", ["", "7 + 7 = 14", "!?"])
def test_a_text_without_words_cannot_be_changed(how: str, text: str) -> None:
    assert noisy(how, text, 1.0, 1) is None


def test_by_hand() -> None:
    assert {"flim", "fil", "fikm", "filk", "flm", "folm"} <= set(noise.misprints("film", NOTHING))
    assert [{*noise.neighbours().get(key, "")} for key in "qsm1"] == [{*"wa"}, {*"adwezx"}, {*"njk"}, set()]
    assert "flim" not in noise.misprints("film", frozenset({"flim"}))
    assert noisy("case", "Good", 0.1, 1) == "GOOD" and noisy("case", "GOOD", 0.1, 1) == "good"
    assert noisy("dropped", "the cat sits", 1.0, 1) == "cat sits"
    assert noisy("dropped", "the New York-to-London flight", 1.0, 1) == "New York-to-London flight"
    assert noisy("dropped", "it would have been good", 1.0, 1) == "would good"  # else it were good
    assert noisy("dropped", "the good will of the man", 1.0, 1) == "good will man"
    assert noisy("dropped", "it is what", 0.0, 1) == "it is what" and noisy("dropped", "it is", 1.0, 1) is None
    assert "bec" + "uase" in noise.common_misspellings()["because"]


@given(TEXTS, st.data())
def test_words_are_replaced_as_one_after_the_other(text: str, data: st.DataObject) -> None:
    there = words(text)
    new = data.draw(st.dictionaries(st.sampled_from(there), st.text(max_size=5))) if there else {}
    slow = text
    for (start, end), word in sorted(new.items(), reverse=True):  # from the end: places before it stay
        slow = slow[:start] + word + slow[end:]
    assert replaced(text, new) == slow


@pytest.mark.parametrize(
    "text",
    [
        "go to\u0302i with it\u0301 film",  # decomposed letters, as macOS has them
        "some re\u00adport of\u00adten seen",  # hyphens that are not seen, joiners
        "a\u2011team film",
        "the\u2010best film",
        "to\u200bday film",
        "it\u00b4s good",
    ],
)
def test_no_part_of_a_word_is_dropped(text: str) -> None:
    assert NOISE["dropped"](text, 1.0, np.random.default_rng(1), frozenset()) is None


def test_a_word_without_an_end_takes_no_time() -> None:
    """Chinese without a sign between, or a picture in letters: all its misprints would be terabytes."""
    typos = NOISE["typos"]
    assert typos("电影" * 51, 1.0, np.random.default_rng(1), frozenset()) is None
    assert typos("电影" * 50, 1.0, np.random.default_rng(1), frozenset()) is not None
