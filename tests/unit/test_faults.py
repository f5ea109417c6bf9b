"""Faults of the system in one line."""

import errno
import os
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from protomtl import faults


def test_a_file_that_may_not_grow_is_said_and_is_no_full_disk() -> None:
    """Of FAT a file of more than 4 GB, or `ulimit -f`."""
    said = "^a file would be larger than its disk, or `ulimit -f`, lets it be"
    with pytest.raises(SystemExit, match=said), faults.in_words():
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + b"\0" * 50 + b"PAR1"])
def test_a_damaged_table_in_parquet_is_said(content: bytes, tmp_path: Path) -> None:
    (path := tmp_path / "dev.parquet").write_bytes(content)
    with pytest.raises(SystemExit, match=r"^a table in Parquet is damaged: .*; `protomtl verify"), faults.in_words():
        pq.read_table(path)


def test_a_fault_of_ours_stays_one() -> None:
    with pytest.raises(ValueError, match="a parquet floor"), faults.in_words():
        raise ValueError("a parquet floor")
