"""A file that is not what its ending says is named by what it is, and not as bad text."""

import gzip
import json
from pathlib import Path

import pytest

from protomtl.own_data.fields import BadFile
from protomtl.own_data.reading import read

TABLE = "text,label\na film,good\na play,bad\n"
ROWS = [{"text": "a film", "label": "good"}, {"text": "a play", "label": "bad"}]
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", gzip.compress(TABLE.encode(), mtime=0), "is packed by gzip; its name must end in .gz"),
        ("a.csv", b"\xfd7zXZ\x00\x00", "is packed; unpack it"),
        ("a.tsv", b"BZh91AY&SY", "is packed; unpack it"),
        ("a.csv", b"PK\x03\x04\x14\x00\xff", "is a workbook or a zip file; save its table as CSV"),
        ("a.csv", b"\xd0\xcf\x11\xe0\xa1\xb1", "is an old workbook; save its table as CSV"),
        ("a.csv", b"PAR1\x15\x04", "is Parquet; its name must end in .parquet"),
        ("a.csv", POINTER, "is a pointer of git-lfs, not the table; fetch it by `git lfs pull`"),
        ("a.parquet", POINTER, "is a pointer of git-lfs"),
        ("a.csv.gz", POINTER, "is a pointer of git-lfs"),
        ("a.csv", b"\n<!DOCTYPE html>\n<html>", "is a page of markup, as of a server's error"),
        ("a.csv", json.dumps(ROWS, indent=1).encode(), "is a list of JSON; its name must end in .json"),
        ("a.jsonl", json.dumps(ROWS).encode(), "is a list of JSON; its name must end in .json"),
        ("a.tsv", "\n".join(map(json.dumps, ROWS)).encode(), "is JSON; its name must end in .jsonl"),
    ],
)
def test_what_a_file_is_instead_is_said(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadFile) as caught:
        read(tmp_path / name)
    assert str(caught.value).startswith(f"{tmp_path / name}: {message}")


@pytest.mark.parametrize("header", ["par1,label", "PK,label", '"[text]",label', "version,label", "{x},label"])
def test_a_header_that_looks_a_little_like_it_is_one(header: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(TABLE.replace("text,label", header))
    assert len(read(tmp_path / "a.csv").rows) == 2


def test_what_a_browser_has_unpacked_is_read_under_its_old_name(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_text(TABLE)
    assert read(tmp_path / "a.csv.gz").columns == ["text", "label"]


def test_a_folder_is_told_to_be_one(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"is a folder; name the files in it"):
        read(tmp_path)
