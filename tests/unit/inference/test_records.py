"""Rows out are rows in, in their order, or reading stops with line and reason."""

import gzip
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protomtl.inference import records
from protomtl.inference.lines import BadInput
from protomtl.inference.records import Record

FIELD = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
HARD = st.text("\"'\r\n\t,; \ufeff\u2028\x85\x0ba", max_size=6)
ROWS = st.lists(st.tuples(HARD | FIELD, HARD | FIELD), min_size=1, max_size=6)
NAMES = st.lists(HARD | FIELD, min_size=2, max_size=2, unique=True)


def read(path: Path, content: bytes) -> list[Record]:
    path.write_bytes(content)
    return [row for _, row in records.read(str(path))]


def placed(rows: Iterable[Record]) -> list[records.Placed]:
    return [(f"in.jsonl:{line}", row) for line, row in enumerate(rows, 1)]


def stopped(path: Path, content: bytes) -> str:
    with pytest.raises(BadInput) as caught:
        read(path, content)
    return str(caught.value)


@given(rows=ROWS, names=NAMES, ending=st.sampled_from([".csv", ".jsonl"]))
def test_what_is_written_is_read_back(
    rows: list[tuple[str, str]], names: list[str], ending: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = str(tmp_path_factory.getbasetemp() / f"rows{ending}")
    Path(path).unlink(missing_ok=True)
    given_rows = [dict(zip(names, row, strict=True)) for row in rows]
    records.write(path, placed(given_rows), ending == ".jsonl")
    assert [row for _, row in records.read(path)] == given_rows
    Path(path).unlink()
    records.write(path, placed(row | {"prediction": 1} for row in given_rows), ending == ".jsonl")
    assert [list(row.values())[:-1] for _, row in records.read(path)] == [[*row] for row in rows]


@given(texts=st.lists(HARD | FIELD, max_size=6), end=st.sampled_from(["\n", "\r\n"]))
def test_of_plain_text_each_line_is_a_row_or_reading_stops(
    texts: list[str], end: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "plain.txt"
    content = "".join(text + end for text in texts).encode()
    try:
        found = read(path, content)
    except BadInput as error:
        assert any(reason in str(error) for reason in ("is blank", "carriage return", "no rows"))
        return
    lines = content.decode().removeprefix("\ufeff").split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    assert [row["text"] for row in found] == [line.strip() for line in lines]


@given(cells=st.lists(st.text('"ab\t \r', min_size=1, max_size=6), min_size=1, max_size=6))
def test_of_lines_with_tabs_each_is_a_row_or_reading_stops(
    cells: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "stray.tsv"
    try:
        found = read(path, "".join(["text\tn\n", *(f"{text}\t{n}\n" for n, text in enumerate(cells))]).encode())
    except BadInput as error:
        assert "stray.tsv:" in str(error)
        return
    assert [row["n"] for row in found] == [str(n) for n in range(len(cells))]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("in.txt", b"good\n\nbad\n", "in.txt:2: the line is blank; remove it"),
        ("in.txt", b"good\n \t\n\nbad\n", "in.txt:2: the line is blank"),
        ("in.txt", b"go\rod\n", "in.txt:1: a lone carriage return"),
        ("in.csv", b"text\ngo\rod\n", "in.csv:2: not valid CSV: a lone carriage return outside quotes"),
        ("in.csv", b"text,n\rgood,1\r", "in.csv:1: not valid CSV: a lone carriage return outside quotes"),
        ("in.csv", b"text,text\na,b\n", "in.csv:1: two columns are named 'text'; rename one"),
        ("in.csv", b'text,n\na,1\n"b,2\nc,3\n', "in.csv:3: not valid CSV: a quote that opens a field is not closed"),
        ("in.tsv", b'text\tn\n"a\t1\nb"\t2\n', "in.tsv:2: not valid CSV: a quote that opens a field is not closed on"),
        ("in.jsonl", b'{"text": "a", "text": "b"}\n', "in.jsonl:1: not valid JSON: two values are named 'text'"),
        ("in.jsonl", b'{"text": "a\\ud83d"}\n', "in.jsonl:1: not valid JSON: \\ud83d in 'a\\ud83d' is no character"),
        ("in.jsonl", b'{"text": "a", "more": [{"b": "\\u0000"}]}\n', "in.jsonl:1: not valid JSON: \\u0000 in"),
        ("in.jsonl", b'{"text": "a", "n": NaN}\n', "in.jsonl:1: not valid JSON: NaN is no finite number; write null"),
        ("in.jsonl", b'{"text": "a", "n": [-1e999]}\n', "in.jsonl:1: not valid JSON: -1e999 is no finite number"),
        ("in.csv", "text\ngood\n".encode("utf-16"), "in.csv:1: UTF-16; save the file as UTF-8"),
        ("in.csv", b"\xfe\xff\0t\0e\0x\0t\0\n", "in.csv:1: UTF-16; save the file as UTF-8"),
        ("in.csv", "text\ngood\n".encode("utf-16-le"), "in.csv:1: a binary file"),
        (
            "in.csv",
            b"text;n\ngood;0,5\n",
            "in.csv:2: 2 fields where the header has 1; ';' seems to separate its columns",
        ),
        ("in.csv", "text\ncafé\n".encode("latin-1"), "in.csv:2: not UTF-8"),
        ("in.jsonl", b"[" * 100_000 + b"\n", "in.jsonl:1: not valid JSON: maximum recursion depth"),
    ],
)
def test_what_would_lose_or_split_a_row_stops(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    assert message in stopped(tmp_path / name, content)


def test_blank_lines_at_the_end_are_no_rows(tmp_path: Path) -> None:
    assert read(tmp_path / "in.txt", b"good\nbad\n\n \n") == [{"text": "good"}, {"text": "bad"}]
    assert read(tmp_path / "in.csv", b"text\ngood\n\n") == [{"text": "good"}]


def test_a_blank_line_is_an_empty_field_where_there_is_one_column(tmp_path: Path) -> None:
    assert read(tmp_path / "in.csv", b"text\ngood\n\nbad\n") == [{"text": "good"}, {"text": ""}, {"text": "bad"}]
    assert read(tmp_path / "in.csv", b"text,n\ngood,1\n\nbad,2\n") == [
        {"text": "good", "n": "1"},
        {"text": "bad", "n": "2"},
    ]


@pytest.mark.parametrize("value", ["😀", "a" * 200_000, "\u2028", {"a": ["b"]}, None, 0, False])
def test_json_goes_through_as_it_is(value: Any, tmp_path: Path) -> None:
    row = {"text": "good", "more": value}
    assert read(tmp_path / "in.jsonl", json.dumps(row).encode() + b"\n") == [row]


def test_long_fields_are_read(tmp_path: Path) -> None:
    assert read(tmp_path / "in.csv", b"text,n\n" + b"a" * 200_000 + b",1\n") == [{"text": "a" * 200_000, "n": "1"}]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | HARD | FIELD,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELD, inner, max_size=3),
    max_leaves=5,
)


@given(rows=st.lists(st.dictionaries(HARD | FIELD, JSON, max_size=4), min_size=1, max_size=4), ascii_only=st.booleans())
def test_objects_of_json_go_through_as_they_are(
    rows: list[Record], ascii_only: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "through.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=ascii_only) + "\n" for row in rows), encoding="utf-8")
    first = [row for _, row in records.read(str(path))]
    records.write(str(path), placed(first), as_json=True)
    assert repr([row for _, row in records.read(str(path))]) == repr(first) == repr(rows)


def test_of_json_values_that_are_no_texts_csv_has_what_json_has(tmp_path: Path) -> None:
    row = {"text": "a", "n": 1, "x": 0.5, "yes": True, "none": None, "more": {"ä": ["b", None]}, "list": []}
    records.write(str(tmp_path / "out.csv"), placed([row]), as_json=False)
    assert read(tmp_path / "out.csv", (tmp_path / "out.csv").read_bytes()) == [
        {"text": "a", "n": "1", "x": "0.5", "yes": "true", "none": "", "more": '{"ä": ["b", null]}', "list": "[]"}
    ]


def test_endings_are_read_in_any_case_and_packed(tmp_path: Path) -> None:
    content = b"text,id\na film,1\n"
    for name, written in (
        ("IN.CSV", content),
        ("in.csv.GZ", gzip.compress(content)),
        ("in.Csv.gz", gzip.compress(content)),
    ):
        assert read(tmp_path / name, written) == [{"text": "a film", "id": "1"}]


@pytest.mark.parametrize(
    "content", [b"text\na\n", gzip.compress(b"text\na film\n", mtime=0)[:-9], b""], ids=["plain", "cut", "empty"]
)
def test_a_packed_file_that_is_none_is_said(content: bytes, tmp_path: Path) -> None:
    assert stopped(tmp_path / "in.csv.gz", content).startswith(f"{tmp_path}/in.csv.gz: ")


def test_a_table_takes_columns_in_any_order(tmp_path: Path) -> None:
    records.write(str(tmp_path / "out.csv"), placed([{"a": 1, "b": 2}, {"b": 4, "a": 3}]), as_json=False)
    assert (tmp_path / "out.csv").read_text() == "a,b\n1,2\n3,4\n"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"a": 1}, "no column 'b', which the first row has"),
        ({"a": 1, "b": 2, "c": 3}, "column 'c' is not in the first row"),
        ({"a": 1, "c": 2}, "no column 'b', which the first row has"),
    ],
)
def test_a_row_with_other_columns_is_named_where_it_stands(row: Record, said: str, tmp_path: Path) -> None:
    message = f"in.jsonl:2: {said}; give all rows the same columns, or write --output NAME.jsonl"
    with pytest.raises(BadInput, match=re.escape(message)):
        records.write(str(tmp_path / "out.csv"), placed([{"a": 1, "b": 2}, row]), as_json=False)
    assert not (tmp_path / "out.csv").exists()
