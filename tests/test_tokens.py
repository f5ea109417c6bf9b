"""Sequences from the token cache are what the tokenizer itself makes of the texts."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from protomtl import prepare, tokenize, tokens
from protomtl.config import load
from protomtl.files import digest_folder
from protomtl.tokens import Sequences, TokenTable, truncated


@pytest.fixture
def table(workdir: Path) -> TokenTable:
    params = load()
    for step, arguments in ((prepare_raw, [params]), (prepare.run, [params.data, params.tasks])):
        step(*arguments)
    tokenize.run(params.tokens.model_copy(update={"max_length": 16}), params.tasks)
    return TokenTable.open(Path("data/tokens"), "para", "train")


def prepare_raw(params: object) -> None:
    """Give the steps before `tokenize` their inputs."""
    from protomtl import backbone, download

    download.run(params.data, params.tasks)  # type: ignore[attr-defined]
    backbone.run(params.backbone)  # type: ignore[attr-defined]


def listed(sequences: Sequences) -> list[list[int]]:
    ends = np.cumsum(sequences.lengths)
    return [sequences.tokens[end - length : end].tolist() for end, length in zip(ends, sequences.lengths, strict=True)]


def test_singles_and_pairs_equal_the_tokenizers(table: TokenTable) -> None:
    import pyarrow.parquet as pq

    source = pq.read_table("data/prepared/para/train.parquet").to_pydict()
    tokenizer = AutoTokenizer.from_pretrained("data/backbone")
    rows = np.arange(len(table))
    for side, column in enumerate(("text_a", "text_b")):
        expected = tokenizer(source[column], truncation=True, max_length=16)["input_ids"]
        assert listed(table.single(rows, side)) == expected
    both = tokenizer(source["text_a"], source["text_b"], truncation="longest_first", max_length=16)
    pairs = table.pair(rows)
    assert [len(s) for s in listed(pairs)] == [len(s) for s in both["input_ids"]]
    short = [i for i, s in enumerate(both["input_ids"]) if len(s) < 16]
    assert short and [listed(pairs)[i] for i in short] == [both["input_ids"][i] for i in short]
    kinds = listed(Sequences(pairs.types, pairs.types, pairs.lengths, 0))
    assert [kinds[i] for i in short] == [both["token_type_ids"][i] for i in short]


def test_a_turned_pair_has_its_second_text_first(table: TokenTable) -> None:
    rows = np.arange(len(table))
    a, b = (listed(table.single(rows, side)) for side in (0, 1))
    turned = listed(table.pair(rows, turned=True))
    short = [i for i in rows if len(a[i]) + len(b[i]) - 1 <= 16]
    assert short and all(turned[i] == b[i] + a[i][1:] for i in short)


def test_rows_come_in_the_order_asked_for_and_padded(table: TokenTable) -> None:
    rows = np.array([5, 0, 5])
    sequences = table.single(rows, 0)
    ids, types, mask, place = sequences.padded(np.array([1, 0]))
    assert ids.shape == mask.shape == types.shape == (2, max(sequences.lengths[:2]))
    assert ids[0][mask[0]].tolist() == listed(table.single(np.array([0]), 0))[0]
    assert (ids[~mask] == table.special["pad"]).all()
    assert (sequences.tokens[place[mask]] == ids[mask]).all()
    assert listed(sequences)[0] == listed(sequences)[2]


def test_the_cache_is_mapped_into_memory_not_read(table: TokenTable) -> None:
    assert all(isinstance(flat, np.memmap) for flat, _ in table.sides)


def slow_longest_first(a: int, b: int, budget: int) -> tuple[int, int]:
    """Take one token at a time from the longer text, from the second if both are equal."""
    while a + b > budget:
        if a > b:
            a -= 1
        else:
            b -= 1
    return a, b


@given(st.integers(0, 60), st.integers(0, 60), st.integers(4, 60))
def test_truncation_against_one_token_at_a_time(a: int, b: int, budget: int) -> None:
    ours = truncated(np.array([a]), np.array([b]), budget)
    assert (int(ours[0][0]), int(ours[1][0])) == slow_longest_first(a, b, budget)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 5)), min_size=1, max_size=8))
def test_ragged_against_plain_ranges(parts: list[tuple[int, int]]) -> None:
    starts, lengths = map(np.array, zip(*parts, strict=True))
    expected = [i for start, length in parts for i in range(start, start + length)]
    assert tokens.ragged(starts, lengths).tolist() == expected


def test_any_number_of_texts_at_a_time_gives_the_same_files(table: TokenTable, monkeypatch: pytest.MonkeyPatch) -> None:
    """…which are what numpy itself writes: a header for the length that is known only in the end."""
    params = load()
    before = digest_folder(Path("data/tokens"))
    monkeypatch.setattr(tokenize, "BATCH", 7)
    tokenize.run(params.tokens.model_copy(update={"max_length": 16}), params.tasks)
    assert digest_folder(Path("data/tokens")) == before
    path = Path("data/tokens/para/train/a.tokens.npy")
    np.save("again.npy", np.load(path))
    assert Path("again.npy").read_bytes() == path.read_bytes()
