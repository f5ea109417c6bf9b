"""The report's eight claims that can be checked, each held against a kept run: what was measured, and the verdict.

A claim is a list of comparisons on test that must all come out as it says.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from protomtl.analysis.bootstrap import LEVEL, holm
from protomtl.analysis.verdicts import BETTER, WORSE, Compared, equal
from protomtl.core.files import read_record
from protomtl.core.markdown import span
from protomtl.core.written import TABLE, read_table
from protomtl.publishing.kept import SPACE, TABLES, TASKS, compared_on, deciding, kept_as

MORE, LESS = BETTER, WORSE  # what the comparison must be found to be
SEPARABLE = 0.9  # dev accuracy of a linear probe from which on classes are called almost linearly separable
YES, NO, NOT_RUN = "yes", "no", "not in this run"


class Check(NamedTuple):
    """One comparison that a claim demands: a method is better (or worse) than another one on a figure."""

    method: str
    other: str
    figure: str
    wanted: str = MORE


Found = list[tuple[Check, Compared]]  # the comparisons of a claim that a run has


def weighted(wanted: str, own: bool) -> list[Check]:
    """Each weighted method against equal weights: on the task that it names, or on the two others."""
    return [
        Check(f"{named}_weighted", "unfrozen", task, wanted)
        for named in TASKS
        for task in TASKS
        if (named == task) is own
    ]


CLAIMS: dict[str, tuple[str, list[Check]]] = {  # what the report says -> where, and what must hold
    "Unfreezing the encoder helps": ("§6, Table 1", [Check("unfrozen", "baseline", "overall")]),
    "The cosine lifts similarity": ("§6, Table 1", [Check("cosine", "unfrozen", "sts")]),
    "A weight of 0.98 lifts the named task": ("§6, Table 1", weighted(MORE, own=True)),
    "It lowers the other tasks": ("§6, Table 1", weighted(LESS, own=False)),
    "Shared layers lower all tasks": (
        "§6, Table 1",
        [Check("shared_layers", "unfrozen", task, LESS) for task in TASKS],
    ),
    "Concatenation improves all tasks": ("§6, Table 1", [Check("concat", "cosine", task) for task in TASKS]),
    "Prototypes are best overall, in paraphrase and in similarity": (
        "§5.4, §6, Table 1",
        [Check("prototypical", other, f) for f in ("overall", "para", "sts") for other in ("concat", "cosine")],
    ),
}
SEPARATED = "Sentiment is almost linearly separable after phase 1"  # Figure 1, held against the space's own figures


def claims(run: Path, words: list[str]) -> tuple[list[str], list[list[str]]]:
    """A row a claim: what it says, where, each difference on test, and whether it holds."""
    rows = []
    for claim, found in held(run).items():
        differences = ", ".join(f"{check.figure} {row['difference']:+.3f}" for check, row in found)
        rows.append([claim, CLAIMS[claim][0], differences or NOT_RUN, verdict(found, len(CLAIMS[claim][1]))])
    return ["the report says", "where", "measured on test", "holds here"], [*rows, space(run)]


def checks(run: Path, words: list[str]) -> tuple[list[str], list[list[str]]]:
    """A row a comparison that a claim demands: the report's difference on dev, ours on test, and what it says."""
    head = ["claim and comparison", "figure", "report, dev", "here, test", "95 % interval", "p", "says"]
    table1 = read_table(run / TABLES["dev"], TABLE).set_index("method")
    paper: dict[Any, dict[Any, float]] = table1.filter(like="_paper").to_dict("index")
    rows = []
    for claim, found in held(run).items():
        rows += [[f"**{claim}**", *[""] * 6]] if found else []
        for (check, row), says in zip(found, outcomes(found), strict=True):
            theirs = paper[check.method][f"{check.figure}_paper"] - paper[check.other][f"{check.figure}_paper"]
            values = [f"{theirs:+.3f}", f"{row['difference']:+.3f}", span(row["low"], row["high"])]
            rows.append([f"`{check.method}` minus `{check.other}`", check.figure, *values, f"{row['p']:.3f}", says])
    return head, rows


def held(run: Path) -> dict[str, Found]:
    """Of each claim the comparisons that the run has."""
    known = deciding(run)
    every = {
        claim: [(check, compared_on(known, check.figure, check.method, check.other)) for check in demanded]
        for claim, (_, demanded) in CLAIMS.items()
    }
    return {claim: [(check, row) for check, row in found if row is not None] for claim, found in every.items()}


def verdict(found: Found, demanded: int) -> str:
    """yes if all comparisons that are demanded say so, no if one says the contrary, else not shown; nothing of none."""
    says = outcomes(found)
    if says.count(YES) == demanded:
        return "yes"
    return "no" if NO in says else "not shown" if says else ""


def outcomes(found: Found) -> list[str]:
    """What each comparison says of the claim.

    A claim that all of them must bear needs each at the level itself (Berger 1982); the contrary, or equality within
    the margin, of any one of them is a claim against it. The contrary is corrected over them by Holm; equality is
    already, over the comparisons of its table.
    """
    against = holm(np.array([row["p"] for _, row in found]))
    says = []
    for (check, row), p in zip(found, against, strict=True):
        as_wanted = (row["difference"] > 0) is (check.wanted == MORE)
        contrary = (p < LEVEL and not as_wanted) or equal(row)
        says.append(YES if row["p"] < LEVEL and as_wanted else NO if contrary else "not shown")
    return says


def space(run: Path) -> list[str]:
    """The row of the last claim, from the measures of the space that step `embed` made."""
    path = run / kept_as(SPACE)
    if not path.exists():
        return [SEPARATED, "§6, Figure 1", NOT_RUN, ""]
    after = read_record(path)["sst"]["after"]
    probe, majority, silhouette = (after[name] for name in ("linear_probe", "majority", "silhouette"))
    measured = f"linear probe {probe:.3f} on dev, largest class {majority:.3f}, silhouette {silhouette:+.3f}"
    return [SEPARATED, "§6, Figure 1", measured, YES if probe >= SEPARABLE else NO]
