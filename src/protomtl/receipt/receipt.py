"""The receipt of a run here against a kept one: compared, printed, and written to results/receipt."""

import sys
from pathlib import Path
from typing import Any

from protomtl.core.files import atomic
from protomtl.core.markdown import markdown_table
from protomtl.core.paths import RECEIPT
from protomtl.params import Params
from protomtl.receipt import crate, here, kept, page, rows
from protomtl.steps.report.pages import page as html_page
from protomtl.tasks.settings import main_tasks


def write(name: str, margin: float | None, params: Params) -> int:
    """Compare, print and write; returns the status: 0 reproduced, 1 different, 2 cannot tell.

    SystemExit without a kept run of that name, without runs here, and for a damaged file.
    """
    theirs = kept.read(kept.find(name))
    limit, stated = stated_margin(theirs, margin)
    tasks = main_tasks(params.tasks)
    found = rows.compare(theirs, here.settings(params), tasks, limit)
    if not found:
        raise SystemExit(
            f"{theirs.folder}: none of its methods and seeds was run here: it has {', '.join(theirs.labels)}, "
            f"seeds {', '.join(map(str, theirs.seeds))}; `snakemake --cores 4 all` runs those of params.yaml"
        )
    absent = [label for method, label in theirs.labels.items() if method not in {row.method for row in found}]
    seeds = sorted({seed for row in found for seed in row.seeds})
    mine = here.part(params, [row.method for row in found], seeds)
    title = f"Receipt: this run against {theirs.folder.name}"
    parts = page.parts(found, theirs.folder.name, stated, absent, theirs.about["parts"], mine)
    answer = page.answer(found, theirs.folder.name, absent)
    with atomic(RECEIPT) as part:
        part.mkdir(parents=True)
        (part / "receipt.md").write_text(page.markdown(title, parts), encoding="utf-8")
        (part / "receipt.html").write_text(html_page(title, parts), encoding="utf-8")
        page.table_of(found).to_csv(part / "rows.csv", index=False, lineterminator="\n")
        with_crate = write_crate(part, theirs.folder.name, answer, mine)
    table = page.table_of(found).drop(columns="why")
    print(markdown_table([*table.columns], table.astype(str).to_numpy().tolist()))
    for row in found:
        if page.STATUS[row.verdict]:
            print(f"{row.method}: {row.verdict}: {row.why}")
    print(f"\n{RECEIPT}: the receipt, as Markdown and as HTML{with_crate}\n{answer}")
    return page.status(found)


def stated_margin(theirs: kept.Kept, margin: float | None) -> tuple[float, str]:
    """The margin, and in words where it was stated."""
    if margin is not None:
        return margin, f"±{margin:g}, from the command line"
    if "margin" in theirs.about:
        return theirs.about["margin"], f"±{theirs.about['margin']:g}, as the kept run states"
    return kept.MARGIN, f"±{kept.MARGIN:g}, protomtl's own, for the kept run states none"


def write_crate(folder: Path, name: str, answer: str, mine: dict[str, Any]) -> str:
    """Write the RO-Crate if `rocrate` is there; returns words for the end of the last line."""
    try:
        crate.write(folder, name, answer, crate.made_on(mine))
    except ImportError:
        print("no RO-Crate was written: `pip install 'protomtl[receipt]'` brings rocrate", file=sys.stderr)
        return ""
    return ", with a Workflow Run RO-Crate"
