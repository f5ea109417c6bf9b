"""What has no place in a field leaves its column out; texts that a program wrote as bytes are texts."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from protomtl.own_data.fields import BadFile, Table
from protomtl.own_data.reading import read

PICTURE = b"\x89PNG\r\n\xff"


def parquet(folder: Path, table: pa.Table) -> Table:
    pq.write_table(table, folder / "a.parquet")
    return read(folder / "a.parquet")


def test_a_list_of_objects_is_no_reason_to_refuse_the_texts_beside_it(tmp_path: Path) -> None:
    """As in reviews of products, some of which have pictures. Its first row is named."""
    rows = [{"text": f"a film {k}", "pictures": [{"url": k}] if k else [], "by": {"tags": [{"x": 1}]}} for k in (0, 1)]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    found = read(tmp_path / "a.jsonl")
    assert found.columns == ["text"] and found.rows == [["a film 0"], ["a film 1"]]
    path = tmp_path / "a.jsonl"
    assert {*found.nested.values()} == {
        f"{path}:2: 'pictures' is [{{'url': 1}}], neither text nor number",
        f"{path}:1: 'by.tags' is [{{'x': 1}}], neither text nor number",
    }


def test_bytes_are_text_where_they_can_be(tmp_path: Path) -> None:
    """As Impala and older Spark write strings; a picture is none."""
    own = pa.table({"text": [b"caf\xc3\xa9", b"a"], "label": [b"x", None], "image": [PICTURE, b"ok"]})
    found = parquet(tmp_path, own)
    assert found.columns == ["text", "label"] and found.rows == [["café", "x"], ["a", ""]]
    assert "'image' is b'\\x89PNG" in found.nested["image"]


def test_two_columns_of_one_name_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"a\.parquet: two columns are named 'text'; rename one"):
        parquet(tmp_path, pa.table([["a"], ["b"]], names=["text", "text"]))
