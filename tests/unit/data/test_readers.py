"""Tables: what is read is what stands in the file, and a row that does not fit is named by file, line and value."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protomtl.data.readers import BadRow, Row, read_table, table_lines
from protomtl.tasks.settings import Files, Task

FILES = Files(train="train.csv", dev="dev.csv", test="test.csv")
SINGLE = Task(kind="classification", classes=5, texts=["text"], label="label", files=FILES)
YES_NO = Task(kind="binary", texts=["a", "b"], label="same", files=FILES)
SEVERAL = Task(kind="multilabel", classes=["a", "b"], texts=["text"], label="topics", files=FILES)
GRADED = Task(kind="regression", range=(0, 5), texts=["a", "b"], label="score", files=FILES)


def read(folder: Path, content: str | bytes, task: Task = SINGLE, labelled: bool = True) -> list[Row | BadRow]:
    """What `read_table` yields for a file table.csv with this content."""
    path = folder / "table.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(read_table(path, task, labelled))


def only_problem(rows: list[Row | BadRow]) -> str:
    """The message of the only row, which is bad."""
    (row,) = rows
    assert isinstance(row, BadRow)
    return str(row)


# --- good tables


def test_a_header_with_commas_makes_a_comma_separated_table(tmp_path: Path) -> None:
    assert read(tmp_path, "id,text,label\nx,a\tfilm,3\n") == [Row("x", ("a\tfilm",), 3.0)]


def test_a_header_with_a_tab_makes_a_tab_separated_table(tmp_path: Path) -> None:
    assert read(tmp_path, "id\ttext\tlabel\nx\ta film, bad\t0\n") == [Row("x", ("a film, bad",), 0.0)]


def test_the_columns_may_stand_in_any_order_and_others_are_ignored(tmp_path: Path) -> None:
    table = "score,other,b,id,a\n2.5,?,second,x,first\n"
    assert read(tmp_path, table, GRADED) == [Row("x", ("first", "second"), 2.5)]


def test_a_quoted_field_may_hold_a_newline_a_separator_and_quotes(tmp_path: Path) -> None:
    table = 'id,text,label\nx,"two\nlines, ""quoted""",1\ny,next,2\n'
    assert read(tmp_path, table) == [Row("x", ('two\nlines, "quoted"',), 1.0), Row("y", ("next",), 2.0)]


def test_a_byte_order_mark_is_not_part_of_the_first_column(tmp_path: Path) -> None:
    assert read(tmp_path, b"\xef\xbb\xbftext,label\ngood,4\n") == [Row("line-2", ("good",), 4.0)]


def test_windows_line_ends_are_line_ends(tmp_path: Path) -> None:
    assert read(tmp_path, "id,text,label\r\nx,good,4\r\n") == [Row("x", ("good",), 4.0)]


def test_without_an_id_the_line_number_is_the_id(tmp_path: Path) -> None:
    rows = read(tmp_path, "id,text,label\n,good,4\n x ,bad,0\n  ,fair,2\n")
    assert [r.id for r in rows if isinstance(r, Row)] == ["line-2", "x", "line-4"]


def test_blank_lines_are_skipped_and_counted_as_lines(tmp_path: Path) -> None:
    rows = read(tmp_path, "text,label\n\ngood,4\n\n\nbad,0\n\n")
    assert rows == [Row("line-3", ("good",), 4.0), Row("line-6", ("bad",), 0.0)]


def test_white_space_round_a_text_is_cut(tmp_path: Path) -> None:
    assert read(tmp_path, "id,text,label\nx,  good  film ,4\n") == [Row("x", ("good  film",), 4.0)]


def test_a_header_alone_is_a_table_without_rows(tmp_path: Path) -> None:
    assert read(tmp_path, "text,label\n") == []


# --- labels


@pytest.mark.parametrize("label", ["0", "5", "0.0", "5.0", "2.75"])
def test_the_bounds_of_a_regression_belong_to_it(tmp_path: Path, label: str) -> None:
    assert read(tmp_path, f"id,a,b,score\nx,one,two,{label}\n", GRADED) == [Row("x", ("one", "two"), float(label))]


@pytest.mark.parametrize("label", ["0", "1", "1.0"])
def test_a_binary_label_is_0_or_1(tmp_path: Path, label: str) -> None:
    assert read(tmp_path, f"id,a,b,same\nx,one,two,{label}\n", YES_NO) == [Row("x", ("one", "two"), float(label))]


def test_a_test_file_may_lack_the_label_column(tmp_path: Path) -> None:
    assert read(tmp_path, "id,text\nx,good\n", labelled=False) == [Row("x", ("good",), None)]


def test_the_labels_of_a_test_file_that_has_them_are_read_and_checked(tmp_path: Path) -> None:
    assert read(tmp_path, "id,text,label\nx,good,4\n", labelled=False) == [Row("x", ("good",), 4.0)]
    assert "'9'" in only_problem(read(tmp_path, "id,text,label\nx,good,9\n", labelled=False))


# --- bad rows


@pytest.mark.parametrize(
    ("header", "missing"),
    [("id,text,sentiment", "'label'"), ("id,label,sentence", "'text'"), ("id,x", "'text', 'label'"), ("", "'text'")],
)
def test_a_missing_column_is_an_error_at_once_on_the_first_line(tmp_path: Path, header: str, missing: str) -> None:
    (tmp_path / "table.csv").write_text(f"{header}\nx,good,4\n")
    rows = read_table(tmp_path / "table.csv", SINGLE, labelled=True)
    with pytest.raises(BadRow) as caught:
        next(rows)
    assert str(caught.value).startswith(f"{tmp_path / 'table.csv'}:1: missing column {missing}")


def test_an_empty_file_lacks_all_columns(tmp_path: Path) -> None:
    with pytest.raises(BadRow, match=r"table\.csv:1: missing column 'text', 'label'"):
        read(tmp_path, "")


@pytest.mark.parametrize(
    ("task", "table", "line", "value"),
    [
        (SINGLE, "text,label\ngood,4,more\n", 2, "['good', '4', 'more']"),
        (SINGLE, "text,label\n\ngood\n", 3, "['good']"),
        (SINGLE, "text,label\n,4\n", 2, "'text' is empty"),
        (SINGLE, "text,label\n   ,4\n", 2, "'text' is empty"),
        (YES_NO, "a,b,same\none,,1\n", 2, "'b' is empty"),
        (SINGLE, "text,label\ngood,four\n", 2, "'label': 'four' is not a classification label from 0 to 4"),
        (SINGLE, "text,label\ngood,\n", 2, "'label': '' is not a classification label from 0 to 4"),
        (SINGLE, "text,label\ngood,5\n", 2, "'label': '5' is not a classification label from 0 to 4"),
        (SINGLE, "text,label\ngood,-1\n", 2, "'-1'"),
        (SINGLE, "text,label\ngood,1.5\n", 2, "'1.5'"),
        (SINGLE, "text,label\ngood,nan\n", 2, "'nan'"),
        (SINGLE, "text,label\ngood,inf\n", 2, "'inf'"),
        (YES_NO, "a,b,same\none,two,0.5\n", 2, "'0.5'"),
        (YES_NO, "a,b,same\none,two,2\n", 2, "'same': '2' is not a binary label among no, yes"),
        (GRADED, "a,b,score\none,two,5.001\n", 2, "'score': '5.001' is not a regression label from 0 to 5"),
        (GRADED, "a,b,score\none,two,-0.001\n", 2, "'-0.001'"),
        (GRADED, "a,b,score\none,two,nan\n", 2, "'nan'"),
        (GRADED, "a,b,score\none,two,-inf\n", 2, "'-inf'"),
        (SINGLE, b"text,label\ncaf\xe9,4\n", 2, "'text' is not UTF-8: 'caf\\udce9'"),
        (YES_NO, b"a,b,same\none,caf\xe9,1\n", 2, "'b' is not UTF-8"),
        (SINGLE, b"text,label\ngood,\xff\n", 2, "'label': '\\udcff' is not a classification label"),
        (SINGLE, b"id,text,label\n\xff,good,4\n", 2, "'id' is not UTF-8: '\\udcff'"),
        (SINGLE, 'text,label\n"two\nlines",9\n', 3, "'9'"),  # the line where the row ends
    ],
)
def test_a_bad_row_is_named_by_file_line_and_value(
    tmp_path: Path, task: Task, table: str | bytes, line: int, value: str
) -> None:
    problem = only_problem(read(tmp_path, table, task))
    assert problem.startswith(f"{tmp_path / 'table.csv'}:{line}: ")
    assert value in problem


def test_a_bad_row_does_not_hide_the_rows_round_it(tmp_path: Path) -> None:
    rows = read(tmp_path, b"id,text,label\na,good,4\nb,bad,9\nc,b\xe9ton,1\nd,,0\ne,e,x\nf,f\ng,fair,2\n")
    assert [r.id for r in rows if isinstance(r, Row)] == ["a", "g"]
    lines = [str(r).removeprefix(f"{tmp_path / 'table.csv'}:").split(":")[0] for r in rows if isinstance(r, BadRow)]
    assert lines == ["3", "4", "5", "6", "7"]


# --- any table

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1).filter(str.strip)
RECORD = st.tuples(TEXT, TEXT, st.floats(0, 5))


@given(records=st.lists(RECORD), delimiter=st.sampled_from(",\t"), bom=st.booleans())
def test_what_a_csv_writer_wrote_is_read_back(
    records: list[tuple[str, str, float]], delimiter: str, bom: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "round-trip.csv"
    if delimiter == "\t":  # there a row is a line
        records = [(a.replace("\n", " ") + ".", b.replace("\n", " ") + ".", score) for a, b, score in records]
    with path.open("w", encoding="utf-8-sig" if bom else "utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(["id", "a", "b", "score"])
        writer.writerows((number, *record) for number, record in enumerate(records))
    expected = [Row(str(i), (a.strip(), b.strip()), score) for i, (a, b, score) in enumerate(records)]
    assert list(read_table(path, GRADED, labelled=True)) == expected


@given(
    cells=st.lists(st.tuples(st.text('"ab,\t \r', max_size=6), st.sampled_from("012")), max_size=6),
    delimiter=st.sampled_from(",\t"),
)
def test_of_lines_with_stray_quotes_none_is_lost_without_a_word(
    cells: list[tuple[str, str]], delimiter: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Lines as programs write them that do not quote: each is a row or a bad row, or reading ends with a reason."""
    path = tmp_path_factory.getbasetemp() / "stray.csv"
    lines = [f"text{delimiter}label", *(f"{text}{delimiter}{label}" for text, label in cells)]
    path.write_bytes("".join(line + "\n" for line in lines).encode())
    try:
        found = list(read_table(path, SINGLE, labelled=True))
    except BadRow as error:
        assert "close" in str(error)
        return
    # a quoted text may have line breaks, also at its ends
    within = sum(field.count("\n") for _, fields in table_lines(path) if isinstance(fields, list) for field in fields)
    assert len(found) + within == len(cells)
    for row in found:
        if isinstance(row, Row):
            assert row.label in (0, 1, 2) and all(row.texts)


def test_a_quote_that_is_never_closed_ends_reading_where_it_opens(tmp_path: Path) -> None:
    with pytest.raises(
        BadRow, match=r"table\.csv:3: not valid CSV: a quote that opens a field is not closed; close it"
    ):
        read(tmp_path, 'text,label\ngood,4\n"bad,1\nfair,2\n')
    stray = read(tmp_path, 'text\tlabel\ngood\t4\n"bad\t1\nfair"\t2\n')
    assert [type(row) for row in stray] == [Row, BadRow, Row]
    assert "table.csv:3: not valid CSV: a quote that opens a field is not closed on its line" in str(stray[1])


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("text,label\rgood,4\r", "table.csv:1: not valid CSV: a lone carriage return"),
        ("text,label\ngo\rod,4\n", "table.csv:2: not valid CSV: a lone carriage return"),
        ("text,label\ngo\0od,4\n", "table.csv:2: column 'text' has a NUL"),
        ('id,text,label\n"a\nb",good,4\n', "table.csv:3: column 'id' has a line break: 'a\\nb'"),
        ("text,label,text\ngood,4,bad\n", "table.csv:1: two columns are named 'text'; rename one"),
        ("id,id,text,label\n1,2,good,4\n", "table.csv:1: two columns are named 'id'; rename one"),
    ],
)
def test_what_would_make_a_row_more_or_lose_a_column_is_named(tmp_path: Path, table: str, problem: str) -> None:
    try:
        said = only_problem(read(tmp_path, table))
    except BadRow as error:
        said = str(error)
    assert problem in said


def test_a_lone_carriage_return_within_quotes_is_part_of_the_text(tmp_path: Path) -> None:
    assert read(tmp_path, 'id,text,label\nx,"a\rb",1\ny,c,2\n') == [Row("x", ("a\rb",), 1.0), Row("y", ("c",), 2.0)]


def test_unnamed_and_unused_columns_may_be_there_twice(tmp_path: Path) -> None:
    assert read(tmp_path, ",,x,x,id,text,label\n1,2,3,4,a,good,4\n") == [Row("a", ("good",), 4.0)]


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-32", "latin-1", "cp1252", "shift-jis", "utf-8-sig"])
@pytest.mark.parametrize("ending", [",", "\t"])
def test_of_another_encoding_the_rows_are_read_or_the_file_is_named(tmp_path: Path, codec: str, ending: str) -> None:
    lines = [
        ["id", "text", "label"],
        ["a", "fine", "1"],
        ["b", "Ê café 良い".encode(codec, "ignore").decode(codec), "2"],
    ]
    content = "\n".join(ending.join(line) for line in lines) + "\n"
    try:
        found = read(tmp_path, content.encode(codec))
    except BadRow as error:
        assert str(error).endswith("table.csv:1: the header is not UTF-8; save the file as UTF-8")
        assert codec.startswith(("utf-16", "utf-32"))
        return
    assert found[0] == Row("a", ("fine",), 1.0)
    if codec == "utf-8-sig":
        assert found[1] == Row("b", (lines[2][1],), 2.0)
    else:
        assert "table.csv:3: column 'text' is not UTF-8" in str(found[1])


BLANKS = [" ", "\t", "\x0b", "\x0c", "\x1c", "\x85", "\xa0", "\u2003", "\u2028", "\u3000", "\r\n", ""]


@pytest.mark.parametrize("blank", BLANKS)
def test_a_text_of_blanks_is_a_bad_row_and_blanks_round_a_text_are_none_of_it(tmp_path: Path, blank: str) -> None:
    rows = read(tmp_path, f'id,text,label\na,"{blank}",1\nb,"{blank}good{blank}",2\n')
    assert "column 'text' is empty" in str(rows[0]) and rows[1] == Row("b", ("good",), 2.0)


def test_what_is_said_of_a_bad_row_is_one_line_of_some_length(tmp_path: Path) -> None:
    long = "x" * 100_000
    for table in (
        f"text,label\n{long},{long}\n",
        f"text,label\n{long},1,2\n",
        f"text,{long}\n",
        f'text,label\n"{long}',
    ):
        try:
            said = only_problem(read(tmp_path, table))
        except BadRow as error:
            said = str(error)
        assert "\n" not in said and len(said) < 500 + len(str(tmp_path))


# --- test splits whose labels are not public


@pytest.mark.parametrize("label", ["-1", "", " ", "-1.0"])
@pytest.mark.parametrize("task", [SINGLE, YES_NO, GRADED, SEVERAL])
def test_a_test_split_whose_labels_all_say_nothing_has_none(tmp_path: Path, label: str, task: Task) -> None:
    columns = [*task.texts, task.label]
    table = "".join(",".join([*("ab"[: len(task.texts)]), end]) + "\n" for end in (label, label))
    content = ",".join(columns) + "\n" + table
    rows = read(tmp_path, content, task, labelled=False)
    assert [isinstance(row, Row) and row.label for row in rows] == [None, None]
    no_class = task is SEVERAL and not label.strip()  # of a training row an empty field is a label
    assert [isinstance(row, BadRow) for row in read(tmp_path, content, task)] == [not no_class] * 2


def test_an_empty_label_among_others_is_no_class(tmp_path: Path) -> None:
    rows = read(tmp_path, "text,topics\ngood,\nbad,b\nfair,none\n", SEVERAL, labelled=False)
    assert [isinstance(row, Row) and row.label for row in rows] == [0.0, 2.0, 0.0]


def test_one_label_among_many_that_say_nothing_makes_those_errors(tmp_path: Path) -> None:
    rows = read(tmp_path, "text,label\ngood,-1\nbad,3\nfair,-1\n", labelled=False)
    assert [type(row) for row in rows] == [BadRow, Row, BadRow]


def test_where_minus_one_is_a_label_it_is_one(tmp_path: Path) -> None:
    task = GRADED.model_copy(update={"range": (-1.0, 1.0)})
    (row,) = read(tmp_path, "a,b,score\none,two,-1\n", task, labelled=False)
    assert isinstance(row, Row) and row.label == -1


# --- ids


def test_a_row_with_the_id_of_an_earlier_row_is_bad_and_named(tmp_path: Path) -> None:
    rows = read(tmp_path, "id,text,label\nx,good,4\ny,bad,1\n x ,other,2\nz,dull,1\n")
    assert [row.id for row in rows if isinstance(row, Row)] == ["x", "y", "z"]
    (problem,) = [str(row) for row in rows if isinstance(row, BadRow)]
    assert problem == f"{tmp_path / 'table.csv'}:4: column 'id': 'x' is the id of an earlier row too; change one"


def test_the_id_of_a_bad_row_is_free(tmp_path: Path) -> None:
    first, second = read(tmp_path, "id,text,label\nx,good,9\nx,good,4\n")
    assert isinstance(first, BadRow) and second == Row("x", ("good",), 4.0)
