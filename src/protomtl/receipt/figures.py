"""The figures of README and pages against the kept runs, and those runs' tables against their predictions."""

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd

from protomtl.core.paths import KEPT
from protomtl.core.written import COMPARED, TABLE, read_table, table_in
from protomtl.publishing import markers
from protomtl.publishing.kept import COMPARISONS
from protomtl.receipt import kept
from protomtl.tasks.settings import Task

SAME, OTHER = "the same", "NOT what the kept runs say; `protomtl findings` writes them anew"
FIGURE = re.compile(r"(?<![\w.])[-+−±]?\d+\.\d+(?![\w.])")
MORE = re.compile(r"\d\.\d{5}")  # tables before version 0.4 have four digits, and nothing of this form
HALF = 0.5e-4 + 1.5e-6  # how far four digits are from six: a figure between two of four digits may have become either
CODE = re.compile(r"```.*?```|`[^`\n]*`|\]\([^)]*\)|https?://\S+", re.DOTALL)


def checked(whole: Mapping[Path, str], main: Mapping[str, Task]) -> tuple[list[str], bool]:
    """A line for each kept run and for each page with figures; and whether something is not as it should be.

    whole: pages that are generated altogether, and what they must be; main: what the tasks of the runs mean.
    """
    found = [of_run(path.parent, main) for path in sorted(KEPT.glob("*/about.json"))]
    found += [of_whole(path, text) for path, text in whole.items()]
    found += of_pages([*Path().glob("README.md"), *sorted({*Path("docs").rglob("*.md")} - {*whole})])
    return [line for line, _ in found], any(wrong for _, wrong in found)


def of_whole(path: Path, text: str) -> tuple[str, bool]:
    """A page that is generated altogether."""
    wrong = not path.exists() or path.read_text(encoding="utf-8") != text
    return f"{path}: {figures_in(text)} figures, all of the page made again: {OTHER if wrong else SAME}", wrong


def of_run(folder: Path, main: Mapping[str, Task]) -> tuple[str, bool]:
    """Whether tables of a kept run are what its predictions give: made again, and compared byte by byte, or as far as
    the four digits of an older run say."""
    try:
        run = kept.read(folder)
        if run.evaluated is None:
            return f"{folder}: no predictions were kept; its tables cannot be made again", False
        again = tables_of(run, main)
        with kept.as_kept(folder):
            wrong = [name for name, text in again.items() if differs(folder, name, text)]
    except SystemExit as error:
        return str(error), True
    runs = len(run.evaluated.metrics)
    if wrong:
        again_by = f"`protomtl keep {folder.name} --again` makes them of these"
        return f"{folder}: {', '.join(wrong)}: not what the predictions of its {runs} trainings give; {again_by}", True
    return f"{folder}: {len(again)} tables are what the predictions of its {runs} trainings give", False


def tables_of(run: kept.Kept, main: Mapping[str, Task]) -> dict[str, bytes]:
    """The tables as `keep` writes them, of nothing but what was kept and what the tasks mean."""
    compared = read_table(run.folder / COMPARISONS, COMPARED)
    references = kept.references(run.folder)
    margins = compared.reindex(columns=["margin"])["margin"].dropna()  # versions before 0.3 had none
    margin = float(margins.iloc[0]) if len(margins) else math.nan
    again = kept.tables(run.folder, kept.rows(run.folder), references, margin, main)
    return {name: table.to_csv(index=False, lineterminator="\n").encode() for name, table in again.items()}


def differs(folder: Path, name: str, again: bytes) -> bool:
    """Whether a table of a kept run is another one than that which was made again."""
    found = (folder / f"tables-{name}.csv").read_bytes()
    if any(MORE.search(path.read_text(encoding="utf-8")) for path in folder.glob("tables-*.csv")):
        return found != again
    older, newer = (table_in(text.decode(), TABLE) for text in (found, again))
    try:
        pd.testing.assert_frame_equal(older, newer, check_dtype=False, rtol=0, atol=HALF)
    except AssertionError:
        return True
    return False


def of_pages(pages: list[Path]) -> Iterator[tuple[str, bool]]:
    """Each page that has figures: how many are generated, and how many were written by people."""
    for path in pages:
        text = path.read_text(encoding="utf-8")
        try:
            new = markers.render(text, KEPT)
        except markers.UnknownTable as error:
            yield f"{path}: {error}", True
            continue
        blocks = [found[0] for found in markers.BLOCK.finditer(text)]
        made, rest = sum(map(figures_in, blocks)), figures_in(CODE.sub(" ", markers.BLOCK.sub(" ", text)))
        if made or rest:
            how = SAME if new == text else OTHER
            words = f"{made} figures of {len(blocks)} tables made again: {how}; " if blocks else ""
            yield f"{path}: {words}{rest} written by people, not checked", new != text


def figures_in(text: str) -> int:
    """Decimal numbers."""
    return len(FIGURE.findall(text))
