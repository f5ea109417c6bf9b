"""A user's file: whatever wrote it, its rows are read as they are; what is no table is named by file and line."""

import csv
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protomtl.own_data.fields import BadFile, Table, spread
from protomtl.own_data.files import columns_of
from protomtl.own_data.reading import read

COLUMNS = ["text", "label"]
Rows = list[list[str]]


def as_csv(separator: str, ends: str = "\n") -> Callable[[Rows], bytes]:
    def written(rows: Rows) -> bytes:
        stream = io.StringIO()
        csv.writer(stream, delimiter=separator, lineterminator=ends).writerows([COLUMNS, *rows])
        return stream.getvalue().encode()

    return written


def as_json_lines(rows: Rows) -> bytes:
    return "\n".join(json.dumps(dict(zip(COLUMNS, row, strict=True))) for row in rows).encode()


def as_json(rows: Rows) -> bytes:
    return json.dumps([dict(zip(COLUMNS, row, strict=True)) for row in rows]).encode()


def as_parquet(rows: Rows) -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.table([*map(list, zip(*rows, strict=True))], COLUMNS), stream)
    return stream.getvalue()


def again(encoding: str, plain: Callable[[Rows], bytes]) -> Callable[[Rows], bytes]:
    return lambda rows: plain(rows).decode().encode(encoding)


FORMATS: dict[str, Callable[[Rows], bytes]] = {
    "comma.csv": as_csv(","),
    "semicolon.CSV": as_csv(";"),
    "pipe.txt": as_csv("|"),
    "tab.tsv": as_csv("\t"),
    "windows.csv": as_csv(",", "\r\n"),
    "mark.csv": again("utf-8-sig", as_csv(",")),
    "wide.csv": again("utf-16", as_csv(";", "\r\n")),
    "packed.csv.GZ": lambda rows: gzip.compress(as_csv(",")(rows)),
    "lines.jsonl": as_json_lines,
    "lines.NDJSON.gz": lambda rows: gzip.compress(as_json_lines(rows)),
    "list.json": as_json,
    "table.parquet": as_parquet,
}
cells = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=20)


@pytest.mark.parametrize("name", FORMATS)
@given(rows=st.lists(st.tuples(cells, cells).map(list), min_size=1, max_size=8))
def test_every_format_reads_as_what_was_written(
    name: str, rows: Rows, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(FORMATS[name](rows))
    found = read(path)
    assert (found.columns, found.rows) == (COLUMNS, rows)


def wrote(folder: Path, name: str, content: str | bytes) -> Table:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read(path)


def test_the_line_of_each_row_is_known(tmp_path: Path) -> None:
    assert wrote(tmp_path, "a.csv", 'text,label\n\n"two\nlines",1\nb,0\n').lines == [3, 5]
    assert wrote(tmp_path, "a.jsonl", '{"a": 1}\n\n{"a": 2}\n').lines == [1, 3]


def test_a_comma_in_texts_is_no_separator_of_a_table_with_semicolons(tmp_path: Path) -> None:
    found = wrote(tmp_path, "a.csv", "text;label\ngood, very good, best;1\nbad, worse, worst;0\n")
    assert found.columns == ["text", "label"] and found.rows[0] == ["good, very good, best", "1"]


def test_a_stray_quote_in_tsv_is_a_character(tmp_path: Path) -> None:
    assert wrote(tmp_path, "a.tsv", 'text\tlabel\n"Twas a film\t1\n').rows == [['"Twas a film', "1"]]


def test_values_of_json_are_text(tmp_path: Path) -> None:
    line = '{"a": true, "b": 1.5, "c": null, "d": ["x", "y"], "e": 3}\n{"a": false}\n'
    found = wrote(tmp_path, "a.jsonl", line)
    assert found.rows == [["true", "1.5", "", "x; y", "3"], ["false", "", "", "", ""]]


def test_objects_in_objects_are_columns_of_their_own(tmp_path: Path) -> None:
    found = wrote(tmp_path, "a.jsonl", '{"text": "a", "said": {"label": "x", "by": {"name": "y"}}}\n{"said": {}}\n')
    assert found.columns == ["text", "said.label", "said.by.name"] and found.rows == [["a", "x", "y"], ["", "", ""]]


def test_a_part_of_a_list_stays_one(tmp_path: Path) -> None:
    assert wrote(tmp_path, "a.jsonl", '{"a": ["R; D", "x|y"]}\n').rows == [["R/D; x/y"]]


def test_a_quote_from_one_field_of_tsv_to_the_next_is_two_characters(tmp_path: Path) -> None:
    text = 'one\ttwo\tlabel\n"I came.\tHe came."\tyes\n"a\ttab"\tb\tno\n'
    assert wrote(tmp_path, "a.tsv", text).rows == [['"I came.', 'He came."', "yes"], ["a\ttab", "b", "no"]]


def test_rows_between_two_stray_quotes_of_tsv_are_not_one_text(tmp_path: Path) -> None:
    """A line that is cut short is told; rows before and behind it do not vanish in a text."""
    with pytest.raises(BadFile, match=r"a\.tsv:3: 1 fields where the header has 2: \['cut'\]"):
        wrote(tmp_path, "a.tsv", 'text\tlabel\n"Twas a film\tx\ncut\nso it was"\ty\n')


def test_line_breaks_within_quotes_of_tsv_are_those_of_a_text(tmp_path: Path) -> None:
    found = wrote(tmp_path, "a.tsv", 'text\tlabel\n"two\nlines"\tx\n"and ""tabs""\there"\ty\n')
    assert found.rows == [["two\nlines", "x"], ['and "tabs"\there', "y"]] and found.lines == [2, 4]


@pytest.mark.parametrize("head", ["label, text", "label,text"])
def test_blanks_behind_separators_do_not_hide_quotes(head: str, tmp_path: Path) -> None:
    found = wrote(tmp_path, "a.csv", f'{head}\nx, "good, very good"\ny, "bad"\n')
    assert found.columns == ["label", "text"] and found.rows == [["x", "good, very good"], ["y", "bad"]]


def test_a_quote_within_a_text_may_have_a_backslash_before_it(tmp_path: Path) -> None:
    """As Spark, MySQL and R write it; elsewhere a backslash is a character."""
    found = wrote(tmp_path, "a.csv", 'text,label\n"he said \\"hi\\", and left",x\n"a",y\n')
    assert found.rows == [['he said "hi", and left', "x"], ["a", "y"]]
    assert wrote(tmp_path, "b.csv", 'text,label\n"in C:\\new\\",x\n').rows == [["in C:\\new\\", "x"]]


def test_class_numbers_of_the_hub_are_names(tmp_path: Path) -> None:
    """As `datasets` writes Parquet: what its columns are stands beside them. -1 is a label that is not public."""
    label = {"names": ["World", "Sports"], "_type": "ClassLabel"}
    features = {
        "text": {"_type": "Value"},
        "label": label,
        "old": {"feature": label, "_type": "Sequence"},
        "new": [label],
    }
    columns = {"text": ["a", "b", "c"], "label": [1, 0, -1], "old": [[0, 1], [], [1]], "new": [[1], [0], []]}
    kept = {"huggingface": json.dumps({"info": {"features": features}})}
    pq.write_table(pa.table(columns).replace_schema_metadata(kept), tmp_path / "a.parquet")
    found = read(tmp_path / "a.parquet")
    assert [row[1:] for row in found.rows] == [
        ["Sports", "World; Sports", "Sports"],
        ["World", "", "World"],
        ["", "Sports", ""],
    ]
    assert [[*column.order] for column in columns_of([found])] == [[], *[["World", "Sports"]] * 3]
    pq.write_table(pa.table(columns).replace_schema_metadata({"huggingface": '{"info": 1}'}), tmp_path / "b.parquet")
    assert read(tmp_path / "b.parquet").rows[0][1] == "1"


def test_what_spreadsheets_add_is_no_part_of_the_table(tmp_path: Path) -> None:
    found = wrote(tmp_path, "a.csv", "sep=;\r\n;text;label;\r\n1;a, b;x;\r\n2;c;y;\r\n")
    assert found.columns == ["unnamed_1", "text", "label", "unnamed_4"] and found.lines == [3, 4]
    assert found.rows == [["1", "a, b", "x", ""], ["2", "c", "y", ""]]


def test_a_column_may_be_named_as_one_of_its_classes(tmp_path: Path) -> None:
    assert wrote(tmp_path, "a.csv", "text,spam\na,spam\nb,ham\n").columns == ["text", "spam"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.xlsx", "PK", "unknown ending; save its table as one of .csv, .tsv"),
        ("a.csv", "", "no rows"),
        ("a.csv", "text,label\n", "no rows"),
        ("a.csv", "text,label\na,b,c\n", "a.csv:2: 3 fields where the header has 2"),
        ("a.csv", "text,text\na,b\n", "two columns are named 'text'; rename one"),
        ("a.csv", "my  text,my text\na,b\n", "two columns are named 'my text'; rename one"),
        ("a.csv", "0,a film\n1,a play\n", "a.csv:1: '0' is no name of a column; give the file a line of names"),
        ("a.csv", "this is a review with many words,1\nb,0\n", "is no name of a column"),
        ("a.csv", 'text,label\n"open,1\n', "a.csv:2: not valid CSV: a quote that opens a field is not closed"),
        ("a.csv", b"text,label\ncaf\xe9,1\n", "a.csv:2: not UTF-8 nor UTF-16 with a byte order mark"),
        ("a.csv", "text,label\na,1\n".encode("utf-16-le"), "a binary file"),
        ("a.csv.gz", b"\x1f\x8b\x08", "a.csv.gz: "),
        ("a.csv.gz", b"text,label\n", "a.csv.gz: "),
        ("a.jsonl", '{"a": 1}\n{"a": \n', "a.jsonl:2: not valid JSON"),
        ("a.jsonl", '{"a": 1, "a": 2}\n', "a.jsonl:1: not valid JSON: two values are named 'a'; rename one"),
        ("a.json", '[{"a": 1, "a": 2}]', "a.json: not valid JSON: two values are named 'a'; rename one"),
        ("a.jsonl", "[1]\n", "a.jsonl:1: an object is needed"),
        ("a.csv", "text,label\na,1\ntext,label\n", "a.csv:3: the names of the columns once more; remove this line"),
        ("a.csv", "A fine film.,1\nb,0\n", "a.csv:1: 'A fine film.' is no name of a column"),
        ("a.csv", "fine,b\na play,b\n", "a.csv:1: 'b' is no name of a column"),
        ("a.jsonl", '{"a": [{"b": 1}]}\n', "a.jsonl:1: 'a' is [{'b': 1}], neither text nor number"),
        ("a.jsonl", '{"a": {"b": 1}, "a.b": 2}\n', "a.jsonl:1: two values are named 'a.b'; rename one"),
        ("a.jsonl", '{"a": "\\ud800"}\n', "a.jsonl:1: '\\ud800' has half of a pair"),
        ("a.json", '{"a": 1}', "a list of objects is needed, a row each; this object has 'a'"),
        ("a.parquet", "PAR1", "not valid Parquet"),
    ],
)
def test_what_is_no_table_is_named(name: str, content: str | bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(BadFile) as caught:
        wrote(tmp_path, name, content)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"nothing\.csv: No such file"):
        read(tmp_path / "nothing.csv")


def test_objects_that_go_too_deep_are_named() -> None:
    deep: dict[str, Any] = {}
    for _ in range(3000):
        deep = {"a": deep}
    with pytest.raises(BadFile, match=r"a\.json:3: objects within objects go too deep"):
        spread(Path("a.json"), 3, deep)
