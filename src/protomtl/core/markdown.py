"""Tables for people, as Markdown."""

from collections.abc import Iterable, Sequence

from tabulate import tabulate


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; cells stay as they are, also those that look like numbers."""
    text: str = tabulate([*rows], headers=[*head], tablefmt="github", disable_numparse=True, stralign=None)
    return text
