"""Tables of kept runs that have four digits, as those before version 0.4."""

from pathlib import Path

import pytest

from protomtl.receipt import figures


@pytest.mark.parametrize(
    ("kept", "again", "other"),
    [
        ("0.8167", "0.81675", False),  # between two of four digits: an older version had more of them to decide by
        ("0.8168", "0.81675", False),
        ("0.8169", "0.81675", True),
        ("0.8167", "0.816751", False),  # six digits are rounded themselves
        ("0.8167", "0.816753", True),
        ("", "0.816753", True),
        ("0.816753", "0.816753", False),  # all six are there: byte by byte
        ("0.816753", "0.816754", True),
    ],
)
def test_a_figure_of_four_digits_is_one_of_six_that_may_be_rounded_so(
    kept: str, again: str, other: bool, tmp_path: Path
) -> None:
    table = "method,sst,seeds\nconcat,{},1\n"
    (tmp_path / "tables-table1.csv").write_text(table.format(kept))
    assert figures.differs(tmp_path, "table1", table.format(again).encode()) == other
