"""Tables of text as rows of fields, in order and none missing; a row that cannot be read is given as what is wrong."""

import csv
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

csv.field_size_limit(1 << 24)

Fields = list[str] | csv.Error


class Unclosed(csv.Error):
    """A quote that opens a field and is closed nowhere, or lines later in the midst of a field: where the next row
    begins is unknown, so this one is the last."""


def rows(lines: Iterable[str]) -> Iterator[tuple[int, Fields]]:
    """(line on which it ends, fields) of the header and of each row; lines end with a newline alone.

    Tabs separate the fields if the header has one outside quotes, else commas. With tabs a row is one line: there a
    quote that is not closed on its line is an error, since mostly nobody meant it as a quote. With commas a quoted
    field may have line breaks. A blank line is no row, but an empty field where the table has one column.
    """
    lines = iter(lines)
    first = next(lines, "")
    tabs = "\t" in re.sub(r'"[^"]*("|$)', "", first)
    found = by_line(chain([first], lines)) if tabs else by_quotes(chain([first], lines))
    line, header = next(found, (1, []))
    yield line, header
    blank: list[int] = []  # lines that are rows if another row follows
    for line, fields in found:
        if fields != []:
            yield from ((number, [""]) for number in blank)
            yield line, fields
            blank = []
        elif isinstance(header, list) and len(header) == 1:
            blank.append(line)


def by_line(lines: Iterable[str]) -> Iterator[tuple[int, Fields]]:
    """Of a table with tabs."""
    for number, line in enumerate(lines, 1):
        try:
            yield number, next(csv.reader([line], delimiter="\t", strict=True), [])
        except csv.Error as error:
            yield number, csv.Error(reason(error, " on its line; close it, or write quotes within quotes as two"))


def by_quotes(lines: Iterable[str]) -> Iterator[tuple[int, Fields]]:
    """Of a table with commas."""
    reader = csv.reader(lines, strict=True)
    while True:
        begin = reader.line_num + 1
        try:
            fields = next(reader)
            yield reader.line_num, fields
        except StopIteration:
            return
        except csv.Error as error:
            if "end of data" in str(error):
                yield begin, Unclosed(reason(error, "; close it, or write quotes within quotes as two"))
                return
            if reader.line_num > begin:
                goes_on = f"a quoted field goes on to line {reader.line_num}, and there {reason(error, '')}"
                yield begin, Unclosed(f"{goes_on}; close the quote, or write quotes within quotes as two")
                return
            yield begin, csv.Error(reason(error, ""))


def reason(error: csv.Error, unclosed: str) -> str:
    """What csv found, in words that say what to do."""
    if "end of data" in str(error):
        return f"a quote that opens a field is not closed{unclosed}"
    if "new-line character" in str(error):
        return "a lone carriage return outside quotes; quote the field, or save the file with other line ends"
    return str(error)


def repeated(names: list[str]) -> list[str]:
    """The names that are there more than once."""
    return [name for name in dict.fromkeys(names) if names.count(name) > 1]


def one_of_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON. ValueError for two values of one name."""
    if twice := repeated([name for name, _ in pairs]):
        raise ValueError(f"two values are named {twice[0]!r}; rename one")
    return dict(pairs)
