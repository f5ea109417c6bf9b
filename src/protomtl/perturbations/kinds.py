"""The stresses that there are, and which of them apply to a task."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal, NamedTuple

import numpy as np

from protomtl.perturbations import meaning, renaming
from protomtl.perturbations.noise import NOISE, Known
from protomtl.perturbations.settings import Perturb, Subject
from protomtl.tasks.settings import Task

Texts = tuple[str, ...]
# The right answer is `label`; the one to the row as it was; one not above that; one on the label's side of the middle.
Expected = Literal["label", "same", "lower", "side"]

NEEDED: dict[Subject, str] = {
    "meaning": "a pair that is binary or a regression",
    "opinion": "one text with an order of labels (`ordered: true`, or values)",
}


class Source(NamedTuple):
    """A labelled row of a split."""

    split: str
    id: str
    texts: Texts
    label: float


class Place(NamedTuple):
    """Rows from elsewhere, and what of their labels is known."""

    rows: Sequence[Source]
    expected: Expected = "label"


class Case(NamedTuple):
    """A row under a stress. label: what is right of it now, of `same` and `lower` the label that it had."""

    kind: str
    stress: str
    split: str
    id: str
    label: float
    expected: Expected
    texts: Texts
    original: Texts


class Stress(NamedTuple):
    """change: gives the new texts, or None; label: the one that it decides, None if it keeps the row's own."""

    kind: str
    name: str
    change: Callable[[Source, np.random.Generator], Texts | None]
    expected: Expected = "label"
    label: float | None = None
    draws: str = ""  # stresses of one name here draw the same numbers


def stresses(task: Task, subject: Subject | None, settings: Perturb, known: Known) -> tuple[list[Stress], list[str]]:
    """The stresses of a task, and what is left out of it, in words."""
    found = noises(settings.noise, known) if "noise" in settings.kinds else []
    if "meaning" not in settings.kinds:
        return found, []
    if subject is not None and fits(task, subject) and subject == "meaning":
        decided = [] if task.what.yes_or_no else ["exchanged, negated, other_name, other_number: no value is sure"]
        return found + pair_changes(task), decided
    if subject is not None and fits(task, subject):
        return found + opinion_changes(task), []
    if subject is None:
        return found, ["meaning: `perturb.about` does not say what its label is about"]
    return found, [f"meaning: `perturb.about` says {subject}, and that needs {NEEDED[subject]}"]


def fits(task: Task, subject: Subject) -> bool:
    """Whether the labels of a task can be about that: see NEEDED."""
    if subject == "meaning":
        return task.pair and (task.what.yes_or_no or not task.what.has_classes)
    return not task.pair and (task.ordered or not task.what.has_classes)


def noises(shares: Sequence[float], known: Known) -> list[Stress]:
    """Typos at each share of the words, the others at the largest."""
    most = max(shares)
    named = [("typos", f"typos_{round(100 * share)}", share) for share in sorted(shares)]
    named += [(name, name, most) for name in NOISE if name != "typos"]
    return [Stress("noise", name, partial(noisy, how, share, known), draws=how) for how, name, share in named]


def noisy(how: str, share: float, known: Known, row: Source, random: np.random.Generator) -> Texts | None:
    """Each text that can be changed is; None if none can."""
    found = [NOISE[how](text, share, random, known) for text in row.texts]
    if all(new is None for new in found):
        return None
    return tuple(text if new is None else new for text, new in zip(row.texts, found, strict=True))


def pair_changes(task: Task) -> list[Stress]:
    """Of two texts and whether they mean the same: yes or the largest value of a text with itself."""
    no, yes = task.bounds
    found = [
        Stress("meaning", "turned", lambda row, _: different(row.texts[::-1], row), "same"),
        Stress("meaning", "itself", lambda row, _: different((row.texts[0], row.texts[0]), row), "label", yes),
        Stress("meaning", "names", lambda row, random: renaming.names(row.texts, random), "same"),
        Stress("meaning", "numbers", lambda row, random: renaming.numbers(row.texts, random), "same"),
    ]
    if not task.what.has_classes:
        return found
    return [
        *found,
        Stress("meaning", "exchanged", lambda row, _: beside(row, meaning.exchanged(row.texts[0])), "label", no),
        Stress("meaning", "negated", lambda row, _: beside(row, meaning.negated(row.texts[0])), "label", no),
        Stress("meaning", "other_name", lambda row, random: first(row, renaming.names, random), "label", no),
        Stress("meaning", "other_number", lambda row, random: first(row, renaming.numbers, random), "label", no),
    ]


def opinion_changes(task: Task) -> list[Stress]:
    """Of one text and how good it says that something is."""
    middle = sum(task.bounds) / 2

    def denied(row: Source, _: np.random.Generator) -> Texts | None:
        new = meaning.negated_opinion(row.texts[0]) if row.label > middle else None
        return None if new is None else (new,)

    return [
        Stress("meaning", "names", lambda row, random: renaming.names(row.texts, random), "same"),
        Stress("meaning", "negated", denied, "lower"),
    ]


def different(texts: Texts, row: Source) -> Texts | None:
    return None if texts == row.texts else texts


def beside(row: Source, new: str | None) -> Texts | None:
    """The first text and what became of it."""
    return None if new is None else (row.texts[0], new)


def first(
    row: Source, change: Callable[[Texts, np.random.Generator], Texts | None], random: np.random.Generator
) -> Texts | None:
    new = change(row.texts[:1], random)
    return beside(row, None if new is None else new[0])
