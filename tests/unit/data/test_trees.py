"""Bracketed trees: every phrase with its label, once; what is no tree is named by file and line."""

from collections import Counter
from collections.abc import Set
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protomtl.core.paths import TREES
from protomtl.data import trees
from protomtl.data.readers import BadRow, Row
from protomtl.data.split_profile import bare
from protomtl.tasks.settings import Files, Task

FILES = Files(train=TREES, dev="dev.csv", test="test.csv")
SST = Task(kind="classification", classes=5, texts=["sentence"], label="sentiment", files=FILES)
FILM = "(3 (2 (2 A) (3 (4 good) (2 film))) (2 .))"


# --- one tree


def test_a_tree_has_a_phrase_for_each_node_words_first_and_the_sentence_last() -> None:
    assert trees.phrases(FILM) == [
        ("2", "A"),
        ("4", "good"),
        ("2", "film"),
        ("3", "good film"),
        ("2", "A good film"),
        ("2", "."),
        ("3", "A good film ."),
    ]


def test_one_word_is_a_tree() -> None:
    assert trees.phrases("(1 Bad)\n") == [("1", "Bad")]


def test_words_stay_as_the_treebank_writes_them() -> None:
    """Brackets, slashes and the space that breaks no line stand so in the course's sentences, too."""
    tree = "(2 (2 -LRB-) (2 (2 1\\/2) (2 (2 8\xa01\\/2) (2 -RRB-))))"
    assert trees.phrases(tree)[-1] == ("2", "-LRB- 1\\/2 8\xa01\\/2 -RRB-")


def test_white_space_between_brackets_does_not_matter() -> None:
    assert trees.phrases("( 3\t(2  A ) (4 good))\r\n") == trees.phrases("(3 (2 A) (4 good))")


@pytest.mark.parametrize("tree", ["", "  \n", "\r\n"])
def test_an_empty_line_has_no_phrase(tree: str) -> None:
    assert trees.phrases(tree) == []


@pytest.mark.parametrize(
    ("tree", "problem"),
    [
        ("(3 (2 A) (4 good)", "1 of its brackets are not closed"),
        ("(3 (2 A", "2 of its brackets are not closed"),
        ("(3 (2 A) (4 good)))", r"'\)' stands outside of the tree's brackets"),
        ("3 (2 A)", "'3' stands outside"),
        ("(2 A) good", "'good' stands outside"),
        ("(2 A) (4 good)", r"'\(4' stands outside"),
        (")", r"'\)' stands outside"),
        ("(3 (2 A) (4))", "a bracket has no word"),
        ("(3 (2 A) good)", "a word beside brackets"),
        ("(3 good (2 A))", "a word beside brackets"),
        ("(3 very good)", "a bracket has two words"),
    ],
)
def test_what_is_no_tree_says_why(tree: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        trees.phrases(tree)


WORDS = st.text(st.characters(blacklist_characters="()", blacklist_categories=["Z", "C"]), min_size=1, max_size=4)
LABELS = st.sampled_from("01234")
Tree = tuple[str, "str | list[Tree]"]
ANY_TREE = st.recursive(
    st.tuples(LABELS, WORDS), lambda inner: st.tuples(LABELS, st.lists(inner, min_size=1, max_size=3)), max_leaves=9
)


def written(tree: Tree) -> str:
    label, held = tree
    return f"({label} {held if isinstance(held, str) else ' '.join(map(written, held))})"


def text(tree: Tree) -> str:
    return tree[1] if isinstance(tree[1], str) else " ".join(map(text, tree[1]))


def every_node(tree: Tree) -> list[tuple[str, str]]:
    """The slow obvious way: by recursion, the text of each node put together anew."""
    inner = [] if isinstance(tree[1], str) else [node for part in tree[1] for node in every_node(part)]
    return [*inner, (tree[0], text(tree))]


@given(ANY_TREE)
def test_every_tree_that_is_written_is_read(tree: Tree) -> None:
    assert trees.phrases(written(tree)) == every_node(tree)


@given(ANY_TREE, st.data())
def test_a_tree_without_one_of_its_brackets_is_none(tree: Tree, data: st.DataObject) -> None:
    whole = written(tree)
    place = data.draw(st.sampled_from([at for at, letter in enumerate(whole) if letter in "()"]))
    with pytest.raises(ValueError, match=r"not closed|stands outside|a bracket has"):
        trees.phrases(whole[:place] + whole[place + 1 :])


# --- a file of them


def read(
    folder: Path, content: str | bytes, held_out: Set[str] = frozenset(), task: Task = SST
) -> tuple[list[Row | BadRow], dict[str, int]]:
    path = folder / TREES
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    told: dict[str, int] = {}
    return list(trees.read(path, task, held_out, told)), told


def test_each_phrase_is_one_row_in_the_order_in_which_they_come(tmp_path: Path) -> None:
    rows, told = read(tmp_path, f"{FILM}\n\n(4 (4 Good) (2 FILM))\n")
    assert rows == [
        Row("tree-1-1", ("A",), 2.0),
        Row("tree-1-2", ("good",), 4.0),
        Row("tree-1-3", ("film",), 2.0),
        Row("tree-1-4", ("good film",), 3.0),  # once 3 and once 4: the first
        Row("tree-1-5", ("A good film",), 2.0),
        Row("tree-1-7", ("A good film .",), 3.0),
    ]
    assert told == {"trees": 2, "phrases": 7, "several_labels": 1, "without_words": 1, "held_out": 0}


def test_of_several_labels_the_most_frequent_one_counts(tmp_path: Path) -> None:
    rows, told = read(tmp_path, "(1 Not)\n(2 not)\n(0 nOt)\n(2 NOT)\n")
    assert rows == [Row("tree-1-1", ("Not",), 2.0)]
    assert told["several_labels"] == 1


def test_phrases_of_dev_and_test_are_left_out_punctuation_aside(tmp_path: Path) -> None:
    tree = "(2 (2 (2 ``) (1 (1 Bad) (2 .))) (3 (3 good) (2 film)))"
    rows, told = read(tmp_path, tree, {bare("BAD!"), bare("Film, good")})
    assert [row.texts[0] for row in rows if isinstance(row, Row)] == ["good", "film", "good film", "`` Bad . good film"]
    assert told == {"trees": 1, "phrases": 9, "several_labels": 0, "without_words": 2, "held_out": 3}


def test_labels_may_be_the_names_of_classes(tmp_path: Path) -> None:
    named = SST.model_copy(update={"classes": ["bad", "good"]})
    assert read(tmp_path, "(good (bad Bad) (1 fun))", task=named)[0] == [
        Row("tree-1-1", ("Bad",), 0.0),
        Row("tree-1-2", ("fun",), 1.0),
        Row("tree-1-3", ("Bad fun",), 1.0),
    ]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"(3 (2 A) (4 good)", "not a tree: 1 of its brackets are not closed: '(3 (2 A) (4 good)'"),
        (b"(3 (2 A) (7 good))", "column 'sentiment': '7' is not a classification label"),
        (b"(3 (2 A) (good))", "not a tree: a bracket has no word"),
        (b"(3 (2 A) ( good))", "not a tree: a bracket has no word"),
        (b"(3 (2 A) (4 caf\xe9))", "column 'sentence' is not UTF-8"),
    ],
)
def test_a_damaged_tree_is_named_by_its_line_and_gives_no_row(tmp_path: Path, line: bytes, problem: str) -> None:
    rows, told = read(tmp_path, b"(2 One)\n" + line + b"\n(2 Three)\n")
    assert [row.texts[0] for row in rows if isinstance(row, Row)] == ["One", "Three"]
    (bad,) = [row for row in rows if isinstance(row, BadRow)]
    assert str(bad).startswith(f"{tmp_path / TREES}:2: {problem}")
    assert told["trees"] == 2


def test_a_byte_order_mark_and_windows_line_ends_do_not_matter(tmp_path: Path) -> None:
    assert read(tmp_path, b"\xef\xbb\xbf(2 One)\r\n(3 two)\r\n")[0] == [
        Row("tree-1-1", ("One",), 2.0),
        Row("tree-2-1", ("two",), 3.0),
    ]


@given(st.lists(ANY_TREE, min_size=1, max_size=5))
def test_rows_are_the_different_phrases_and_each_label_is_a_most_frequent_one(
    tmp_path_factory: pytest.TempPathFactory, some: list[Tree]
) -> None:
    rows, told = read(tmp_path_factory.mktemp("trees"), "".join(f"{written(tree)}\n" for tree in some))
    counts: dict[str, Counter[str]] = {}
    for label, phrase in (node for tree in some for node in every_node(tree)):
        counts.setdefault(" ".join(phrase.lower().split()), Counter())[label] += 1
    assert told["phrases"] == len(counts) == len(rows) + told["without_words"]
    for row in rows:
        assert isinstance(row, Row) and bare(row.texts[0])
        labels = counts[" ".join(row.texts[0].lower().split())]
        assert labels[f"{row.label:g}"] == max(labels.values())
