"""Tables for people."""

from protomtl.core.markdown import markdown_table


def test_cells_are_text_and_a_bar_within_one_parts_no_columns() -> None:
    table = markdown_table(["class", "rows"], [["a|b", "1.50"], ["c", "2"]])
    assert [line.replace(" ", "") for line in table.splitlines()] == [
        *("|class|rows|", "|---------|--------|", r"|a\|b|1.50|", "|c|2|"),
    ]
