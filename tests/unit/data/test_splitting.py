"""Rows that share a text are one group; what is held out of a split."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from protomtl.data import splitting


def slow_groups(rows: list[tuple[str, ...]]) -> set[frozenset[int]]:
    """Merge sets of rows that share a text until none does."""
    groups = [({number}, {" ".join(t.lower().split()) for t in row}) for number, row in enumerate(rows)]
    merged = True
    while merged:
        merged = False
        for i in range(len(groups)):
            for j in range(len(groups) - 1, i, -1):
                if groups[i][1] & groups[j][1]:
                    members, texts = groups.pop(j)
                    groups[i] = (groups[i][0] | members, groups[i][1] | texts)
                    merged = True
    return {frozenset(members) for members, _ in groups}


TEXTS = st.integers(0, 25).flatmap(lambda n: st.sampled_from([f"text {n}", f"TEXT {n}", f"Text   {n}"]))
ROWS = st.lists(st.one_of(st.tuples(TEXTS), st.tuples(TEXTS, TEXTS)), min_size=1, max_size=30)


@given(ROWS)
def test_rows_that_share_a_text_directly_or_through_others_are_one_group(rows: list[tuple[str, ...]]) -> None:
    numbers = splitting.components(rows)
    assert len(numbers) == len(rows)
    found = {frozenset(np.flatnonzero(numbers == number).tolist()) for number in numbers}
    assert found == slow_groups(rows)


def test_only_what_is_missing_is_held_out() -> None:
    """A tenth, and the same tenth whatever else is drawn after it."""
    texts = [(f"text {i}",) for i in range(100)]
    found = splitting.splits_of(texts, np.arange(100) % 2, 1, ["dev"])
    assert {split: found.count(split) for split in set(found)} == {"train": 90, "dev": 10}
    assert splitting.splits_of(texts, np.arange(100) % 2, 1, ["dev"]) == found


def test_each_stratum_has_its_share_of_what_is_held_out() -> None:
    """Two strata of a hundred rows. Ten before them share a text, and are training data."""
    texts, own = [("same",)] * 10 + [(f"text {i}",) for i in range(200)], np.arange(200) // 20 % 2
    found = np.array(splitting.splits_of(texts, np.append(np.full(10, 2), own), 1))
    assert (found[:10] == "train").all()
    for stratum in (found[10:][own == 0], found[10:][own == 1]):
        assert [int((stratum == split).sum()) for split in ("train", "dev", "test")] == [80, 10, 10]


def test_where_hardly_a_row_is_apart_a_third_of_those_is_training_too() -> None:
    """54 rows share a text, and are training data."""
    found = splitting.splits_of([("same",)] * 54 + [(f"text {i}",) for i in range(6)], np.zeros(60), 1)
    assert found[:54] == ["train"] * 54 and sorted(found[54:]) == ["dev", "dev", "test", "test", "train", "train"]
