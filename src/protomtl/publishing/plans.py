"""What the plans of the questions could find, by what finished runs vary."""

import math
from pathlib import Path

from protomtl.analysis import power
from protomtl.analysis.curves import area_weights
from protomtl.publishing.answers import Pair, kept_noise, of_split
from protomtl.publishing.planned_runs import check
from protomtl.publishing.questions import QUESTIONS, Plan, Question, read

UNKNOWN = "no kept run tells"


def plans(runs: Path, words: list[str]) -> tuple[list[str], list[list[str]]]:
    """A row a comparison of a plan: its standard error, the power at the margin, and what it would find."""
    head = ["question", "comparison", "data", "seeds × splits", "standard error", "power at the margin"]
    rows = []
    for letter, question in read(runs.parent / QUESTIONS).items():
        for plan, pair in [(own, pair) for own in question.plans for pair in question.compared_in(own)]:
            names = [f"({letter})", f"`{pair[0]}` minus `{pair[1]}`", plan.data, f"{plan.seeds} × {plan.splits}"]
            rows.append([*names, *foreseen(runs, question, plan, pair)])
    return [*head, "power of equality", "detectable"], rows


def foreseen(runs: Path, question: Question, plan: Plan, pair: Pair) -> list[str]:
    """The cells of one comparison; the family are all comparisons of its question."""
    piloted = question.updates or question.new_classes
    error = pilot(runs, question, plan, pair) if piloted else from_noise(runs, question, plan, pair)
    if not error or math.isnan(error):
        return [UNKNOWN, "", "", ""]
    family = len(question.compare)
    chances = power.power(question.margin, error, family), power.power_of_equality(question.margin, error, family)
    return [f"{error:.4f}", *(f"{chance:.0%}" for chance in chances), f"{power.detectable(error, family):.3f}"]


def pilot(runs: Path, question: Question, plan: Plan, pair: Pair) -> float:
    """The standard error by the first split of the plan itself: overall of other runs does not tell that of another
    figure. NaN without it."""
    if not plan.kept:
        return math.nan
    check(runs, question, plan)
    return of_split(runs, question, plan.kept[0], pair).error / math.sqrt(plan.splits)


def from_noise(runs: Path, question: Question, plan: Plan, pair: Pair) -> float:
    """The standard error by the kept run that the plan names; NaN where it tells nothing."""
    pairs = [pair, *([plan.like] if plan.like else [])]
    known = [found for own in pairs if plan.noise and (found := kept_noise(runs / plan.noise, *own)) is not None]
    weights = (1.0,) if question.rows is None else tuple(area_weights(question.rows))
    return power.standard_error(known[0], plan.seeds, plan.splits, weights) if known else math.nan


KINDS = {"power": plans}
