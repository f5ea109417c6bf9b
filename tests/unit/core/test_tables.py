"""Of every line of a table it is known in which row it is, whatever the line holds."""

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from protomtl.core import tables

STRAY = st.lists(st.text('"ab,\t\r \0', max_size=7), max_size=9)
FIELD = st.text('"a,\t\r\n \u2028\x85\x0b\x1c', max_size=6) | st.text(max_size=6) | st.just("x" * 100_000)


@given(head=st.sampled_from(["a", "a,b", "a\tb", '"a\tb"', ",", ""]), lines=STRAY, end=st.sampled_from(["\n", "\r\n"]))
def test_each_line_is_in_one_row_or_blank_or_behind_a_quote_that_is_named(
    head: str, lines: list[str], end: str
) -> None:
    lines = [line + end for line in (head, *lines)]
    seen = 0
    for line, fields in tables.rows(iter(lines)):
        if isinstance(fields, tables.Unclosed):
            assert seen < line <= len(lines) and '"' in lines[line - 1]
            return
        begin = line if isinstance(fields, csv.Error) else line - sum(field.count("\n") for field in fields)
        assert seen < begin and not "".join(lines[seen : begin - 1]).strip("\r\n")
        seen = line
    assert not "".join(lines[seen:]).strip("\r\n")


@given(rows=st.lists(st.lists(FIELD, min_size=2, max_size=2), max_size=5), tabs=st.booleans(), all_quoted=st.booleans())
def test_what_csv_writes_is_what_is_read(rows: list[list[str]], tabs: bool, all_quoted: bool) -> None:
    delimiter = "\t" if tabs else ","
    file = io.StringIO()
    if tabs:  # there a row is a line
        rows = [[field.replace("\n", " ") for field in row] for row in rows]
    quoting = (
        csv.QUOTE_ALL if all_quoted or "\r" in str(rows) or "\r" in "".join(map("".join, rows)) else csv.QUOTE_MINIMAL
    )
    csv.writer(file, delimiter=delimiter, quoting=quoting, lineterminator="\n").writerows([["a", "b"], *rows])
    lines = io.StringIO(file.getvalue(), newline="\n")
    assert [fields for _, fields in tables.rows(lines)] == [["a", "b"], *rows]


def test_a_quote_that_closes_lines_later_in_the_midst_of_a_field_is_named_where_it_opens() -> None:
    lines = ["text,n\n", "a,1\n", '"b,2\n', "c,3\n", 'd "so",4\n', "e,5\n"]
    *found, (line, error) = tables.rows(iter(lines))
    assert found == [(1, ["text", "n"]), (2, ["a", "1"])]
    assert line == 3 and isinstance(error, tables.Unclosed)
    assert str(error).startswith("a quoted field goes on to line 5, and there") and "close the quote" in str(error)
