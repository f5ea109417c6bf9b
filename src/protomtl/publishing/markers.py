"""Result tables of the README and of the site, written between markers from the kept runs in docs/runs.

A block begins with `<!-- table: RUN KIND WORDS -->` and ends with `<!-- /table -->`. The table between is made anew:

- `RUN test [N | METHODS]`: test and dev of each method, and its difference from the run's first reference; best first.
  N keeps the best N methods, METHODS keeps those that are named.
- `RUN tasks [METHODS]`: test of each task by its full name; the short table of the README.
- `RUN paper [METHODS]`: dev of each task and overall, with the paper's values in brackets; in the run's order.
- `RUN steps [METHODS]`: dev and test overall, and the steps of fine-tuning; in the run's order.
- `RUN against [METHODS]`: each method's difference from the run's first reference; in the run's order.
- `RUN differences METHOD OTHER`: one method minus another one, for each figure.
- `RUN seed N [METHODS]`: dev and test of one seed; the order is that of the run.
- `RUN soon [METHODS]`: updates until 95 % of the end of training, of its own and of the run's first reference.
- `RUN area RUN…`: the area under overall on test against log rows, over runs that differ in their number of rows.
- `RUN readings RUN…`: test by heads, by prototypes and by prototypes straight after phase 1, means over these runs.
- `RUN noise FIGURE [METHODS]`, `RUN shifted FIGURE [METHODS]`, `RUN failures TASK [METHODS]`: what each stress costs;
  `RUN primary`: the figure that was fixed before.
- `all questions`, `all power`, `all answers`: what was asked before the runs, what the plans could find, and what was
  found where the runs of a plan are kept (questions.py, plans.py, answers.py).
- `RUN claims`: each claim of the report, what the run measured of it on test, and whether it holds (claims.py).
- `RUN checks`: each comparison that those claims demand.
- `RUN ensemble`: the single runs and the ensemble of all of them, on dev and test.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from tabulate import tabulate

from protomtl.core.files import atomic
from protomtl.publishing import answers, curves, kept, plans, questions, readings, stressed
from protomtl.publishing.claims import checks, claims
from protomtl.publishing.tables import KINDS, Rows

BLOCK = re.compile(r"<!-- table: (?P<what>[^>]*?) -->\n.*?<!-- /table -->", re.DOTALL)
TABLES = KINDS | {"claims": claims, "checks": checks} | curves.KINDS | readings.KINDS | stressed.KINDS  # of one run
OF_ALL = questions.KINDS | plans.KINDS | answers.KINDS  # of the folder of runs
OPENING = re.compile(r"<!-- table:.*?-->")


class UnknownTable(ValueError):
    """A marker that names no table; the message has the marker."""


def update(paths: Iterable[Path], runs: Path) -> list[Path]:
    """Write the blocks of some files anew; returns the files that changed. SystemExit names file and marker."""
    changed = []
    for path in paths:
        text = path.read_text(encoding="utf-8")
        try:
            new = render(text, runs)
        except UnknownTable as error:
            raise SystemExit(f"{path}: {error}") from None
        if new != text:
            with atomic(path) as part:
                part.write_text(new, encoding="utf-8")
            changed.append(path)
    return changed


def render(text: str, runs: Path) -> str:
    """The text with every marked block made anew of `runs`, the folder docs/runs. UnknownTable names the marker."""
    if len(OPENING.findall(text)) != len(BLOCK.findall(text)):
        raise UnknownTable("a `<!-- table: … -->` has no `<!-- /table -->` behind it")

    def block(found: "re.Match[str]") -> str:
        return f"<!-- table: {found['what']} -->\n\n{table(found['what'], runs)}\n\n<!-- /table -->"

    return BLOCK.sub(block, text)


def table(what: str, runs: Path) -> str:
    """The table that a marker names, as Markdown."""
    run, kind, *words = [*what.split(), "", ""]
    words = [word for word in words if word]
    kinds, folder = (OF_ALL, runs) if run == "all" else (TABLES, runs / run)
    if run != "all" and not (folder / kept.TABLES["dev"]).is_file():
        raise UnknownTable(f"table: {what}: there is no kept run {run!r}")
    if kind not in kinds:
        raise UnknownTable(f"table: {what}: no kind {kind!r}; there are {', '.join(kinds)}")
    try:
        head, rows = kinds[kind](folder, words)
    except (KeyError, IndexError, ValueError, FileNotFoundError) as error:
        raise UnknownTable(f"table: {what}: {error}") from None
    return markdown(head, rows)


def markdown(head: list[str], rows: Rows) -> str:
    """A Markdown table whose first column is text; the others are figures, and stay as they are written."""
    sides = ("left", *["right"] * (len(head) - 1))
    text: str = tabulate(rows, headers=head, tablefmt="pipe", disable_numparse=True, colalign=sides)
    return text
