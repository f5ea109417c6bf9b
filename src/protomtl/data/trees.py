"""Bracketed trees with a class at each node, as the Stanford Sentiment Treebank has them (Socher et al. 2013)."""

import re
from collections import Counter
from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from pathlib import Path

from protomtl.data.readers import BadRow, Row, checked_label, checked_row
from protomtl.data.split_profile import bare, normalised
from protomtl.tasks.settings import Task

PARTS = re.compile(r"\(\s*[^\s()]*|\)|[^\s()]+", re.ASCII)  # a bracket and its label, or a word; some words hold U+00A0


@dataclass
class Node:
    """A bracket that is open: its label, the number of its first word, and what stands in it: a word, or brackets."""

    label: str
    first: int
    holds: str = ""

    def hold(self, what: str) -> None:
        if self.holds and "word" in (self.holds, what):
            raise ValueError("a bracket has two words, or a word beside brackets; write (LABEL WORD)")
        self.holds = what


@dataclass
class Phrase:
    """Where and how it was read first, and how often with which label."""

    id: str
    text: str
    labels: Counter[float] = field(default_factory=Counter)


def phrases(tree: str) -> list[tuple[str, str]]:
    """(label, phrase) of each node of `(LABEL WORD)` or `(LABEL (…) (…))`, a node behind those within it.

    Words stay as they are, blanks between: so the course's sentences are written, brackets as -LRB- too.
    ValueError says why it is no tree.
    """
    found: list[tuple[str, str]] = []
    words: list[str] = []
    above: list[Node] = []  # from the root
    for part in PARTS.findall(tree):
        if not above and (found or part[0] != "("):
            raise ValueError(f"{part!r:.80} stands outside of the tree's brackets")
        if part == ")":
            node = above.pop()
            if not node.holds:
                raise ValueError("a bracket has no word")
            found.append((node.label, " ".join(words[node.first :])))
        elif part[0] == "(":
            if above:
                above[-1].hold("brackets")
            above.append(Node(part[1:].strip(), len(words)))
        else:
            above[-1].hold("word")
            words.append(part)
    if above:
        raise ValueError(f"{len(above)} of its brackets are not closed")
    return found


def read(path: Path, task: Task, held_out: Set[str], told: dict[str, int]) -> Iterator[Row | BadRow]:
    """A row for each different phrase, case and white space aside, in the order in which they come; or a bad tree.

    A phrase has the label that most of its places have, the first of them at a tie. Left out are phrases without a
    word, and those of `held_out`: texts of dev and test, bare. told: counts of all of this, for the report.
    """
    found: dict[str, Phrase] = {}
    trees = 0
    for line, tree in lines(path):
        try:
            nodes = labelled_phrases(path, line, task, tree)
        except BadRow as error:
            yield error
            continue
        trees += bool(nodes)
        for number, (label, text) in enumerate(nodes, start=1):
            phrase = found.setdefault(normalised(text), Phrase(f"tree-{line}-{number}", text))
            phrase.labels[label] += 1
    texts = {key: bare(key) for key in found}
    told |= {
        "trees": trees,
        "phrases": len(found),
        "several_labels": sum(len(phrase.labels) > 1 for phrase in found.values()),
        "without_words": sum(not text for text in texts.values()),
        "held_out": sum(text in held_out for text in texts.values() if text),
    }
    for key, phrase in found.items():
        if texts[key] and texts[key] not in held_out:
            yield Row(phrase.id, (phrase.text,), phrase.labels.most_common(1)[0][0])


def lines(path: Path) -> Iterator[tuple[int, str]]:
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="\n") as file:
        yield from enumerate(file, start=1)


def labelled_phrases(path: Path, line: int, task: Task, tree: str) -> list[tuple[float, str]]:
    """(label, phrase) of each node; none of an empty line. Raises BadRow."""
    try:
        nodes = phrases(tree)
    except ValueError as error:
        raise BadRow(path, line, f"not a tree: {error}: {tree.strip()!r:.80}") from None
    if nodes:
        checked_row(path, line, task, "id", [nodes[-1][1]], None)
    labels = {label: checked_label(path, line, task, label) for label in dict.fromkeys(label for label, _ in nodes)}
    return [(labels[label], text) for label, text in nodes]
