"""Sequences from the token cache are what the tokenizer itself makes of the texts."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from protomtl.core.files import digest_folder
from protomtl.model.sequences import Sequences, TokenTable
from protomtl.params import load
from protomtl.steps import tokens


@pytest.fixture
def table(prepared: Path) -> TokenTable:
    params = load()
    tokens.run(params.tokens.model_copy(update={"max_length": 16}), params.tasks)
    return TokenTable.open(Path("data/tokens"), "para", "train")


def listed(sequences: Sequences) -> list[list[int]]:
    ends = np.cumsum(sequences.lengths)
    return [sequences.tokens[end - length : end].tolist() for end, length in zip(ends, sequences.lengths, strict=True)]


def test_singles_and_pairs_equal_the_tokenizers(table: TokenTable) -> None:
    import pyarrow.parquet as pq
    from transformers import AutoTokenizer

    source = pq.read_table("data/prepared/para/train.parquet").to_pydict()
    tokenizer = AutoTokenizer.from_pretrained("data/backbone")
    rows = np.arange(len(table))
    for side, column in enumerate(("text_a", "text_b")):
        expected = tokenizer(source[column], truncation=True, max_length=16)["input_ids"]
        assert listed(table.single(rows, side)) == expected
    both = tokenizer(source["text_a"], source["text_b"], truncation="longest_first", max_length=16)
    pairs = table.pair(rows)
    assert listed(pairs) == both["input_ids"]
    assert listed(Sequences(pairs.types, pairs.types, pairs.lengths, 0)) == both["token_type_ids"]


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


def test_any_number_of_texts_at_a_time_gives_the_same_files(table: TokenTable, monkeypatch: pytest.MonkeyPatch) -> None:
    """…which are what numpy itself writes: a header for the length that is known only in the end."""
    params = load()
    before = digest_folder(Path("data/tokens"))
    monkeypatch.setattr(tokens, "BATCH", 7)
    tokens.run(params.tokens.model_copy(update={"max_length": 16}), params.tasks)
    assert digest_folder(Path("data/tokens")) == before
    path = Path("data/tokens/para/train/a.tokens.npy")
    np.save("again.npy", np.load(path))
    assert Path("again.npy").read_bytes() == path.read_bytes()


def test_what_the_encoder_has_no_words_for_is_said(prepared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The vocabulary of the tests has no emoji."""
    path = Path("data/prepared/sst/dev.parquet")
    rows = pd.read_parquet(path)
    rows["text_a"] = ["😀 😡 a"] * len(rows)
    rows.to_parquet(path)
    params = load()
    tokens.run(params.tokens, params.tasks)
    said = capsys.readouterr().err.splitlines()
    assert "tokens sst dev: 67% of the tokens are unknown to the encoder; choose another `backbone`" in said
    assert not any(line.startswith("tokens para") for line in said)


@pytest.mark.parametrize("name", ["a.tokens", "a.offsets", "labels"])
def test_damaged_tokens_are_one_line(name: str, prepared: Path) -> None:
    path = Path(f"data/tokens/sst/dev/{name}.npy")
    whole = path.read_bytes()
    for content in (b"", whole[:-1], b"\0" * 64 + whole[64:]):
        path.write_bytes(content)
        with pytest.raises(SystemExit, match=rf"^{path}: damaged: [^\n]*; `protomtl verify --repair` brings it back$"):
            TokenTable.open(Path("data/tokens"), "sst", "dev")
