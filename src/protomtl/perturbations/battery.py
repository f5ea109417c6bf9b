"""All stresses of a task: rows in, changed rows out, those that cannot be changed counted."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from protomtl.perturbations.kinds import Case, Place, Source, Stress, Texts, stresses
from protomtl.perturbations.settings import Perturb
from protomtl.perturbations.words import vocabulary, words
from protomtl.seeds import generator
from protomtl.tasks.settings import Task

CLEAN = "clean"  # the kind and the stress of rows as they are


class Battery(NamedTuple):
    """cases: those without stress first; counts: of each stress the rows `made` and, of those looked at, `left_out`
    since it cannot change them, and for noise the share of the `words` that changed; words: what is left out; enough:
    how many cases have one of each stress, where there was no place for that, else 0."""

    cases: list[Case]
    counts: dict[str, dict[str, float]]
    words: list[str]
    enough: int


def battery(
    name: str,
    task: Task,
    rows: Sequence[Source],
    settings: Perturb,
    most: int,
    elsewhere: Mapping[str, Place] | None = None,
) -> Battery:
    """All cases of a task, at most `most`, 0 for all; elsewhere: rows of other places, by what they are called.

    All stresses prefer the same rows, in an order that the seed draws.
    """
    known = vocabulary(text for row in rows for text in row.texts)
    chosen, told = stresses(task, settings.about.get(name), settings, known)
    given = [(stress, rows) for stress in chosen]
    given += [
        (Stress("shift", place, lambda row, _: row.texts, how), found)
        for place, (found, how) in (elsewhere or {}).items()
    ]
    fair = 1 + 2 * most // max(1, len(given)) if most else 0  # one may have more than its share where others have less
    several = [
        Taken(stress, name, ordered(found, name, settings.seed, most), settings.seed, fair) for stress, found in given
    ]
    each = fitting(several, most)
    made = [taken.cases[:each] for taken in several]
    used = {(case.split, case.id) for cases in made for case in cases if case.kind != "shift"}
    plain = [Case(CLEAN, CLEAN, r.split, r.id, r.label, "label", r.texts, r.texts) for r in rows]
    clean = [case for case in plain if (case.split, case.id) in used or not chosen][: most or None]
    counts = {taken.stress.name: taken.counts(each) for taken in several}
    enough = size(several, 1) if not each and any(taken.cases for taken in several) else 0
    return Battery(clean + [case for cases in made for case in cases], counts, told, enough)


def ordered(rows: Sequence[Source], task: str, seed: int, most: int) -> list[Source]:
    """The rows as they are if all are taken, else in an order that the seed draws."""
    places = generator(seed, "perturb", task, "order").permutation(len(rows)) if most else range(len(rows))
    return [rows[k] for k in places]


class Taken:
    """The first rows, in an order, that a stress can change, no texts twice; `most` of them at most, 0 for all."""

    def __init__(self, stress: Stress, task: str, rows: list[Source], seed: int, most: int) -> None:
        found = list(islice(changed(stress, task, rows, seed), most + 1 if most else None))  # one more: is this all?
        self.stress, self.rows = stress, len(rows)
        self.places, self.cases = [place for place, _ in found], [case for _, case in found][: most or None]

    def counts(self, each: int) -> dict[str, float]:
        """See Battery."""
        cases = self.cases[:each]
        seen = [0, *(place + 1 for place in self.places)][each] if each < len(self.places) else self.rows
        found: dict[str, float] = {"made": len(cases), "left_out": seen - len(cases)}
        return found | ({"words": changed_share(cases)} if self.stress.kind == "noise" else {})


def changed(stress: Stress, task: str, rows: Sequence[Source], seed: int) -> Iterator[tuple[int, Case]]:
    """The rows that a stress can change, changed."""
    seen: set[Texts] = set()
    for place, row in enumerate(rows):
        random = generator(seed, "perturb", task, stress.draws or stress.name, row.split, row.id)
        if (texts := stress.change(row, random)) is not None and texts not in seen:
            seen.add(texts)
            label = row.label if stress.label is None else stress.label
            yield place, Case(stress.kind, stress.name, row.split, row.id, label, stress.expected, texts, row.texts)


def changed_share(cases: Sequence[Case]) -> float:
    """Of the words of the texts as they were, those that are not there, in that order, any more."""
    before = gone = 0
    for case in cases:
        for old, new in zip(case.original, case.texts, strict=True):
            a, b = ([text[slice(*span)] for span in words(text)] for text in (old, new))
            before += len(a)
            gone += sum(x != y for x, y in zip(a, b, strict=True)) if len(a) == len(b) else len(a) - len(b)
    return round(gone / before, 4) if before else 0.0


def fitting(several: Sequence[Taken], most: int) -> int:
    """How many cases of each stress, so that with the clean rows there are no more than `most`."""
    longest = max((len(taken.cases) for taken in several), default=0)
    low, high = (0, longest) if most else (longest, longest)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if size(several, middle) <= most else (low, middle - 1)
    return low


def size(several: Sequence[Taken], each: int) -> int:
    """All cases if there are so many of each stress, the clean rows among them."""
    cases = [case for taken in several for case in taken.cases[:each]]
    return len(cases) + len({(case.split, case.id) for case in cases if case.kind != "shift"})
