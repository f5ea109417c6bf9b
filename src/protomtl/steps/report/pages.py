"""The pages of the report as data: each is a list of parts, and page.html.j2 makes HTML of them."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from jinja2 import Environment
from markupsafe import Markup, escape

from protomtl.analysis import caveats, verdicts
from protomtl.core.markdown import UNDEFINED, number, span
from protomtl.tasks.settings import Task

TEMPLATE = Path(__file__).with_name("page.html.j2")
NO_LABELS = "These data have no labels."


class Part(NamedTuple):
    """A heading, a paragraph and a table, or some of them."""

    title: str = ""
    text: str | Markup = ""
    table: pd.DataFrame | None = None


def page(title: str, parts: Sequence[Part]) -> str:
    """A page that needs nothing else; all texts are escaped, tables scroll by themselves on a narrow screen."""
    environment = Environment(autoescape=True)
    environment.filters["unbroken"] = unbroken
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    return template.render(title=title, parts=parts) + "\n"


def unbroken(html: str) -> str:
    """An interval, `-0.004 to +0.021`, stays on one line, however narrow the column is."""
    return re.sub(r"[-+]?\d+\.\d+ to [-+]?\d+\.\d+", r"<span>\g<0></span>", html)


def answer(comparisons: pd.DataFrame, labels: Mapping[str, str]) -> list[Part]:
    """The questions of the findings, asked of this run."""
    parts = []
    for question, method, other in verdicts.QUESTIONS:
        split, known = verdicts.judged(comparisons, method, other)
        if known:
            pair = Markup("<i>{}</i> against <i>{}</i>, {}: ").format(labels[method], labels[other], split)
            parts.append(Part(question, pair + bold(verdicts.verdict(known))))
    nothing = Markup("The methods that would answer it are not among <code>methods</code> and <code>compare</code>.")
    return parts or [Part(text=nothing)]


def bold(text: str) -> Markup:
    """Markdown's **words** as HTML."""
    return Markup(re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", str(escape(text))))  # noqa: S704  # escaped before


def main_table(table: pd.DataFrame, tasks: Sequence[str]) -> list[Part]:
    """One row a method: each figure with its interval, and the paper's value beside it if there is any."""
    figures = ["overall", *tasks]
    if table[figures].isna().all(axis=None):
        return [Part(text=caveats.UNDEFINED if any(caveats.labelled(table, name) for name in tasks) else NO_LABELS)]
    shown = {"method": table["label"]}
    for name in figures:
        values = zip(table[name], table[f"{name}_low"], table[f"{name}_high"], strict=True)
        missing = caveats.absent(table, name, tasks)
        shown[name] = pd.Series([figure(*several, missing) for several in values])
        if table[f"{name}_paper"].notna().any():
            shown[f"{name}, paper"] = table[f"{name}_paper"].map("{:.3f}".format, na_action="ignore").fillna("")
        if name == "overall" and "overall_rescaled" in table:
            shown["overall, rescaled"] = table["overall_rescaled"].map(number)
    note = "In brackets: 95 % bootstrap interval over the examples. Rescaled: each correlation r as (r + 1) / 2."
    note += f" {caveats.UNDEFINED}" if (pd.DataFrame(shown) == UNDEFINED).any(axis=None) else ""
    return [Part(table=pd.DataFrame(shown)), Part(text=note)]


def figure(value: float, low: float, high: float, missing: str) -> str:
    """A figure with its interval."""
    return missing if pd.isna(value) else f"{value:.3f} ({caveats.interval(low, high)})"


def comparisons(table: pd.DataFrame, labels: Mapping[str, str], tasks: Mapping[str, Task]) -> list[Part]:
    """Every method minus each reference, with interval and p; methods by their labels."""
    if not len(table):
        return [Part(text=Markup("No method stands beside one that <code>compare</code> names."))]
    table = table.copy()
    table["95 % interval"] = [*map(span, table["low"], table["high"])]
    table["difference"] = table["difference"].map("{:+.3f}".format)
    table["method"], table["reference"] = table["method"].map(labels), table["reference"].map(labels)
    table = table.rename(columns={"p_holm": "p, Holm"})
    shown = ["split", "method", "reference", "figure", "difference", "95 % interval", "p", "p, Holm"]
    return [Part(text=caveats.turned(tasks), table=table[shown])]


def data(report: Mapping[str, Any], tasks: Mapping[str, Task]) -> list[Part]:
    """Rows, labels and lengths of each split, and the texts that splits share."""
    rows = []
    for task, splits in report["splits"].items():
        for split, found in splits.items():
            labels = tasks[task].histogram(found["labels"])
            words = found["words"]
            row = {"task": task, "split": split, "rows": found["rows"], "labels": labels, "repeated": found["repeats"]}
            rows.append(row | {"words, mean": words["mean"], "95 %": words["p95"], "longest": words["max"]})
    shared = pd.DataFrame([{"splits": name, "texts": count} for name, count in report["shared_texts"].items()])
    return [Part(table=pd.DataFrame(rows)), Part("Texts that two splits share", table=shared)]


def versions(libraries: Mapping[str, str], record: Mapping[str, Any]) -> list[Part]:
    """Libraries and the whole configuration of a run."""
    settings = pd.json_normalize(dict(record)).T.reset_index().astype(str)
    settings.columns = pd.Index(["setting", "value"])
    rows = pd.DataFrame(sorted(libraries.items()), columns=["library", "version"])
    return [Part(table=rows), Part("The configuration of the exported run", table=settings)]
