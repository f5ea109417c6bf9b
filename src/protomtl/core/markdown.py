"""Tables for people, as Markdown."""

from collections.abc import Iterable, Sequence

from tabulate import tabulate


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; cells stay as they are, also those that look like numbers, and a bar within one is a bar."""
    cells = [[cell.replace("|", r"\|") for cell in row] for row in (head, *rows)]
    text: str = tabulate(cells[1:], headers=cells[0], tablefmt="github", disable_numparse=True, stralign=None)
    return text
