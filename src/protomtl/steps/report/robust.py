"""The page "Robust?": losses under stress, tests of meaning, calibration, and the texts themselves."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from markupsafe import Markup

from protomtl.analysis import caveats
from protomtl.core.markdown import UNDEFINED, number, span
from protomtl.core.runs import Run
from protomtl.steps.report import primary
from protomtl.steps.report.pages import Part, bold
from protomtl.steps.report.stressed import CLEAN, Drawn
from protomtl.tasks.settings import Task

SHOWN, LONGEST = 30, 1000  # rows of each stress, characters of a text
WORDS = {
    "case": "all in capitals",
    "dropped": "function words dropped",
    "misspelled": "common misspellings",
    "turned": "pair the other way round",
    "itself": "a text with itself",
    "names": "another name, wherever it stands",
    "numbers": "another number, wherever it stands",
    "exchanged": "two nouns exchanged",
    "negated": "a negation put in",
    "other_name": "another name in one text",
    "other_number": "another number in one text",
    "advglue": "AdvGLUE",
    "advglue_apart": "AdvGLUE, no text of a training row",
    "sick": "SICK",
    "sick_apart": "SICK, no text of a training row",
    "msrp": "MSRP",
    "msrp_apart": "MSRP, no text of a training row",
}
OWN = {("sts", "captions"), ("para", "news"), ("para", "forum")}  # genres that a task's own rows are of: its test rows
RIGHT = {"same": "as before", "lower": "not above before", "side": "on the label's side of the middle"}


class Measured(NamedTuple):
    """What the page shows. losses: see stressed.py; failures: see failing.py; calibration: see calibrated.py."""

    losses: pd.DataFrame
    drawn: Drawn
    failures: pd.DataFrame
    calibration: pd.DataFrame


def words(stress: str) -> str:
    """What a stress does, for people."""
    _, _, share = stress.partition("typos_")
    return f"typos in {share} % of the words" if share else WORDS.get(stress, stress)


def page(
    found: Measured,
    runs: Sequence[Run],
    labels: Mapping[str, str],
    report: Mapping[str, Any],
    measured_on: str = "On test, or on dev where test has no labels. "
    "T is the likeliest temperature on dev, or 1 where all of it is right.",
) -> list[Part]:
    """All parts, the answer first. runs: those that have all tasks which count; measured_on: the calibration."""
    parts = [Part("The answer", answer(found, runs, labels))] if len(labels) > 1 else []
    if len(found.losses):
        for kind, title in (("noise", "Noise"), ("shift", "Other places")):
            parts += loss_tables(found.losses[found.losses["kind"] == kind], title, labels)
    if len(found.failures):
        text = "The share of rows whose answer is not the one that the change decides (Ribeiro et al. 2020)."
        parts.append(Part("Tests that a row passes or fails", text, failure_table(found.failures, labels)))
    if len(found.calibration):
        table = found.calibration.assign(method=found.calibration["method"].map(labels))
        shown = table.map(lambda value: number(value) if isinstance(value, float) else value)
        parts.append(Part("Calibration", f"{measured_on} Less is better.", shown))
    return [*parts, *left_out(report)]


def answer(found: Measured, runs: Sequence[Run], labels: Mapping[str, str]) -> str | Markup:
    """The figure that was fixed before, in a sentence."""
    one = primary.figure(found.losses, found.drawn, runs)
    if one is None:
        return "The rows and methods that would answer it are not in this run."
    if not np.isfinite([one["difference"], one["low"], one["high"]]).all():
        return f"{UNDEFINED}: a figure is not defined, or has no interval."
    begin = Markup("Under {}, <i>{}</i> loses {} of overall and <i>{}</i> {}: ").format(
        words(one["stress"]),
        labels[one["method"]],
        number(one["loss"]),
        labels[one["reference"]],
        number(one["loss_reference"]),
    )
    apart = f"difference {one['difference']:+.3f}, 95 % interval {span(one['low'], one['high'])}"
    return begin + bold(f"**{one['verdict']}** ({apart}, margin {primary.MARGIN}).")


def loss_tables(rows: pd.DataFrame, title: str, labels: Mapping[str, str]) -> list[Part]:
    """For each task a row a method: its clean figure, and under each stress the figure and what is lost."""
    parts = []
    for task in sorted(dict.fromkeys(rows["task"]), key=lambda task: task != "overall"):
        own = rows[rows["task"] == task]
        table = pd.DataFrame(index=pd.Index([*dict.fromkeys(own["method"])], name="method"))
        for stress in dict.fromkeys(own["stress"]):
            here = own[own["stress"] == stress].set_index("method")
            head = f"{words(stress)}, its own" if (task, stress) in OWN else words(stress)
            table[f"{head} ({here['rows'].iloc[0]} rows)"] = [lost(row) for _, row in here.iterrows()]
        text = "Figure under stress; in brackets the loss against the clean one, its 95 % interval, and its share."
        parts.append(Part(f"{title}: {task}", text, table.rename(index=labels).reset_index()))
    return parts


def lost(row: pd.Series) -> str:
    """`0.612 (+0.021: +0.003 to +0.040, 3 %)`, without the parts that do not exist."""
    if not np.isfinite(row["loss"]):
        return number(row["figure"])
    share = f", {round(100 * row['relative'])} %" if np.isfinite(row["relative"]) else ""
    return f"{row['figure']:.3f} ({row['loss']:+.3f}: {ends(row, '+.3f')}{share})"


def ends(row: pd.Series, form: str) -> str:
    """`0.12 to 0.34`, the interval of a row."""
    known = np.isfinite([row["low"], row["high"]]).all()
    return span(row["low"], row["high"], form) if known else caveats.interval(np.nan, np.nan)


def failure_table(rows: pd.DataFrame, labels: Mapping[str, str]) -> pd.DataFrame:
    """A row for each task and test, a column a method."""
    found = []
    for (task, stress), own in rows.groupby(["task", "stress"], sort=False):
        first = own.iloc[0]
        right = RIGHT.get(first["right"], first["label"])
        cells = {
            labels[row["method"]]: f"{number(row['failed'], '.2f')} ({ends(row, '.2f')})" for _, row in own.iterrows()
        }
        found.append({"task": task, "test": words(str(stress)), "right answer": right, "rows": first["rows"]} | cells)
    return pd.DataFrame(found)


def left_out(report: Mapping[str, Any]) -> list[Part]:
    """How many rows each stress could be made of, and what was left out."""
    rows = [
        {"task": task, "stress": words(stress), "rows": count["made"], "could not be changed": count["left_out"]}
        | ({"words changed": f"{number(100 * count['words'], '.1f')} %"} if "words" in count else {})
        for task, about in report.items()
        for stress, count in about["counts"].items()
    ]
    told = [f"{task}: {word}." for task, about in report.items() for word in about["left_out"]]
    return [Part("Rows", "Left out: " + " ".join(told) if told else "", pd.DataFrame(rows) if rows else None)]


def texts(cases: Mapping[str, pd.DataFrame], tasks: Mapping[str, Task]) -> list[Part]:
    """Rows of each stress, to be read: the texts as they were and as they are, and the right answer."""
    parts = []
    for name, table in cases.items():
        for stress in dict.fromkeys(table.loc[table["kind"] != CLEAN, "stress"]):
            own = table[table["stress"] == stress].head(SHOWN)
            before = own.filter(regex="^original" if own["kind"].iloc[0] != "shift" else "^$")
            answers = zip(own["expected"], own["label"], strict=True)
            right = [right_answer(tasks[name], how, label) for how, label in answers]
            given = pd.concat([before, own.filter(regex="^text")], axis=1).map(cut)
            shown = given.assign(**{"right answer": right})
            parts.append(Part(f"{name}: {words(stress)}", "", shown))
    return parts


def right_answer(task: Task, how: str, label: float) -> str:
    """Of one row, for people; how: see perturbations/kinds.py."""
    if how == "side":
        return "above the middle" if label > sum(task.bounds) / 2 else "not above the middle"
    return task.shown(label) if how == "label" else RIGHT[how]


def cut(text: str) -> str:
    """As much of a text as a table can show."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} …"
