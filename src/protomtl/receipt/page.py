"""The receipt as the parts of a page: the answer, a line a method, what both runs were made with."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from protomtl.core.markdown import markdown_table, number, span
from protomtl.receipt.here import UNKNOWN
from protomtl.receipt.judging import DIFFERENT, EQUIVALENT, OPEN, SAME
from protomtl.receipt.rows import Row
from protomtl.steps.report.pages import Part

STATUS = {SAME: 0, EQUIVALENT: 0, DIFFERENT: 1, OPEN: 2}
FACTS = ("processor", "cores", "system", "kernels", "gpu", "device", "precision", "python", "torch")
Facts = Sequence[Mapping[str, Any]]  # of machines, or of versions


def status(rows: Sequence[Row]) -> int:
    """0 reproduced; 1 different; 2 cannot tell."""
    found = {STATUS[row.verdict] for row in rows}
    return 1 if 1 in found else 2 if 2 in found or not found else 0


def answer(rows: Sequence[Row], name: str, absent: Sequence[str] = ()) -> str:
    """One sentence: did I reproduce it? absent: methods of the kept run of which nothing is said."""
    counts = Counter(row.verdict for row in rows)
    said = ", ".join(f"{counts[verdict]} {verdict}" for verdict in STATUS if counts[verdict])
    word = ("Yes", "No", "Cannot tell")[status(rows)]
    rest = f"; {len(absent)} more of its methods not run here" if absent else ""
    return f"Is {name} reproduced? {word}: of {len(rows)} methods {said or 'none is in both'}{rest}."


def parts(
    rows: Sequence[Row],
    name: str,
    margin: str,
    absent: Sequence[str],
    kept: Sequence[Mapping[str, Any]],
    here: Mapping[str, Any],
) -> list[Part]:
    """The page. margin: its value and where it was stated; absent: methods that were not run here; kept, here: the
    parts of both runs, with commit, machines and versions."""
    note = f"Margin of overall: {margin}. Differences are here minus kept."
    left = f"Not run here: {', '.join(absent)}." if absent else ""
    return [
        Part(text=answer(rows, name, absent)),
        Part(text=note),
        Part("Methods", left, table_of(rows)),
        Part("Figures, kept and here", table=figures_of(rows)),
        Part("Made with", table=made_with(kept, here)),
        Part("How to read it", READING),
    ]


READING = (
    "Same bytes: all weights, curves and predictions have the digests of the kept run. "
    "Equivalent: every prediction is the same, or the 95 % interval of the difference lies within the margin. "
    "Different: the difference is greater than the margin, and its interval leaves out 0. Cannot tell: anything else. "
    "Intervals are of a bootstrap that pairs both runs by example and by seed."
)


def table_of(rows: Sequence[Row]) -> pd.DataFrame:
    cells = []
    for row in rows:
        before, now = row.figures["overall"]
        between = f" ({span(*row.interval, '+.4f')})" if row.interval else ""
        cells.append(
            {
                "method": row.label,
                "verdict": row.verdict,
                "kept": number(before, ".4f"),
                "here": number(now, ".4f"),
                "difference": number(row.difference, "+.4f") + between,
                "seeds": ", ".join(map(str, row.seeds)),
                "why": row.why,
            }
        )
    return pd.DataFrame(cells, columns=["method", "verdict", "kept", "here", "difference", "seeds", "why"])


def figures_of(rows: Sequence[Row]) -> pd.DataFrame:
    """Of each task: kept, and the same here."""
    cells = [
        {"method": row.label}
        | {name: f"{number(a, '.4f')}, {number(b, '.4f')}" for name, (a, b) in row.figures.items() if name != "overall"}
        for row in rows
    ]
    return pd.DataFrame(cells).fillna("")  # of a task that a method has not trained


def made_with(kept: Sequence[Mapping[str, Any]], here: Mapping[str, Any]) -> pd.DataFrame:
    """Commit, machine, kernels and versions of both; what differs between parts of a run stands side by side."""
    rows = [{"what": "commit", "kept": commits(kept), "here": commits([here])}]
    machines = [machine for part in kept for machine in part.get("machines", [])]
    rows += facts(machines, here["machines"], (*FACTS, *others(machines, here["machines"])))
    versions = [found for part in kept for found in part.get("versions", [])]
    libraries = [name for name in sorted({*keys(versions), *keys(here["versions"])}) if name != "torch"]
    return pd.DataFrame(rows + facts(versions, here["versions"], libraries))


def commits(parts: Sequence[Mapping[str, Any]]) -> str:
    found = (part["commit"][:10] + (" with changes" if part["changed"] else "") for part in parts)
    return ", ".join(dict.fromkeys(found))


def facts(kept: Facts, here: Facts, names: Iterable[str]) -> list[dict[str, str]]:
    return [{"what": name, "kept": values(kept, name), "here": values(here, name)} for name in names]


def values(found: Facts, name: str) -> str:
    """What is recorded, each value once."""
    said = dict.fromkeys("none" if one[name] is None else str(one[name]) for one in found if name in one)
    return "; ".join(said) or UNKNOWN


def others(*found: Facts) -> list[str]:
    """Facts beside FACTS."""
    return [name for name in dict.fromkeys(name for one in found for name in keys(one)) if name not in FACTS]


def keys(found: Facts) -> list[str]:
    return list(dict.fromkeys(name for one in found for name in one))


def markdown(title: str, found: Sequence[Part]) -> str:
    """The page as Markdown."""
    lines = [f"# {title}", ""]
    for part in found:
        lines += [f"## {part.title}", ""] if part.title else []
        lines += [str(part.text), ""] if part.text else []
        if part.table is not None:
            lines += [markdown_table([*part.table.columns], part.table.astype(str).to_numpy().tolist()), ""]
    return "\n".join(lines)
