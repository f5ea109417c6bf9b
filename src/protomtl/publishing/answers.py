"""The answers to the questions that were fixed: what the kept runs of a plan found, over its seeds and splits."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from protomtl.analysis import planned, power
from protomtl.analysis.bootstrap import holm
from protomtl.analysis.curves import area_weights
from protomtl.analysis.planned import Estimate
from protomtl.analysis.verdicts import word
from protomtl.core.files import read_record
from protomtl.core.markdown import number
from protomtl.core.written import TABLE, read_table
from protomtl.publishing.curves import of_seeds, updates
from protomtl.publishing.kept import TABLES, compared_on, deciding
from protomtl.publishing.planned_runs import check
from protomtl.publishing.questions import QUESTIONS, Plan, Question, read
from protomtl.steps.tables.markdown import number_of_seeds

NEW_CLASSES = "new-classes.json"  # of a kept run: what benchmarks/new_classes.py found on its encoders
NEVER = "no number: in {} of {} trainings one of both never gets there"
HEAD = ["question", "comparison", "data", "difference", "of each split", "95 % interval", "p, Holm", "equal: p, Holm"]
Pair = tuple[str, str]  # method and control


def answers(runs: Path, words: list[str]) -> tuple[list[str], list[list[str]]]:
    """A row a comparison of each plan whose splits are all kept. ValueError where one of them is not of its plan."""
    rows = []
    for letter, question in read(runs.parent / QUESTIONS).items():
        for plan in question.plans:
            check(runs, question, plan)
            if len(plan.kept) == plan.splits:
                rows += [[f"({letter})", *cells] for cells in answered(runs, question, plan)]
            else:
                stands = f"{len(plan.kept)} of {plan.splits} splits run" if plan.kept else "not run yet"
                rows.append([f"({letter})", stands, plan.data, *[""] * (len(HEAD) - 2)])
    return [*HEAD, "verdict"], rows


def answered(runs: Path, question: Question, plan: Plan) -> list[list[str]]:
    """A row a comparison; p is corrected by Holm over the comparisons of the question.

    Those that the plan has not count as shown by nothing (p of 1): else half of a question would be easier to answer.
    """
    pairs = question.compared_in(plan)
    splits = [[of_split(runs, question, names, pair) for names in plan.kept] for pair in pairs]
    found, others = [planned.averaged(own) for own in splits], [1.0] * (len(question.compare) - len(pairs))
    p = holm(np.array([*map(planned.two_sided_p, found), *others]))
    equal = holm(np.array([*(planned.equal_p(estimate, question.margin) for estimate in found), *others]))
    rows = []
    for pair, own, estimate, *values in zip(pairs, splits, found, p[: len(pairs)], equal[: len(pairs)], strict=True):
        low, high = planned.interval(estimate)
        says = word({"difference": estimate.difference, "p_holm": values[0], "p_equal": values[1]})
        if question.updates and np.isnan(estimate.difference):
            says = never(runs, question.updates, plan, pair)
        cells = [number(estimate.difference, "+.4f"), ", ".join(number(e.difference, "+.4f") for e in own)]
        cells += [f"{number(low, '+.4f')} to {number(high, '+.4f')}", *map(number, values), says]
        rows.append([f"`{pair[0]}` minus `{pair[1]}`", plan.data, *cells])
    return rows


def of_split(runs: Path, question: Question, names: Sequence[str], pair: Pair) -> Estimate:
    """The figure of a question on one data split: overall on test, or its area over runs of several sizes; or the
    updates to an end, or accuracies on new classes."""
    if question.updates:
        return sooner(runs / names[0], pair, question.updates)
    if question.new_classes:
        return on_new_classes(runs / names[0], question.new_classes, pair)
    weights = area_weights(question.rows) if question.rows else np.ones(1)
    return planned.weighted([estimate(runs / name, pair) for name in names], [float(weight) for weight in weights])


def estimate(run: Path, pair: Pair) -> Estimate:
    """Of overall on test in one kept run. ValueError where it does not compare the two.

    The interval itself has (s - 1) / s of the variance of s trainings, which would make the error too small.
    """
    row = compared_on(deciding(run), "overall", *pair)
    if row is None:
        raise ValueError(
            f"{run.name} does not compare {' with '.join(pair)}: overall of one is not defined, or none is in `compare`"
        )
    found, seeds = kept_noise(run, *pair), seeds_of(run, pair[0])
    if found is None or not np.isfinite(found.trainings):
        raise ValueError(f"{run.name} has no deviation over seeds on test; two seeds at least are needed")
    return Estimate(row["difference"], power.standard_error(found, seeds), power.freedom(found, seeds))


def kept_noise(run: Path, method: str, control: str) -> power.Noise | None:
    """Of overall on test in a kept run; None where it does not compare the two."""
    table = read_table(run / TABLES["test"], TABLE).set_index("method")
    row = compared_on(deciding(run), "overall", method, control)
    if row is None:
        return None
    deviations = (float(table["overall_sd"][method]), float(table["overall_sd"][control]))
    return power.noise(row["high"] - row["low"], deviations, seeds_of(run, method))


def seeds_of(run: Path, method: str) -> int:
    """How many a kept run has of a method."""
    return number_of_seeds(read_table(run / TABLES["test"], TABLE).set_index("method")["seeds"][method])


def sooner(run: Path, pair: Pair, end: str) -> Estimate:
    """The mean of `halvings` and its standard error over seeds. NaN where one never gets there in some seed."""
    found = halvings(run, pair, end)
    if not np.isfinite(found).all():
        return Estimate(np.nan, np.nan, len(found) - 1)
    return Estimate(float(found.mean()), float(found.std(ddof=1) / len(found) ** 0.5), len(found) - 1)


def halvings(run: Path, pair: Pair, end: str) -> np.ndarray:
    """[seeds] by how many halvings a method has fewer updates to 95 % of the end of another one than its control has;
    not finite where one of both never gets there. ValueError for an end that is not defined."""
    kept = of_seeds(run)
    if len(kept) < 2:
        raise ValueError(f"{run.name} has one seed; two at least are needed")
    first, second = (np.array([updates(seed, method, end) for seed in kept]) for method in pair)
    if np.isnan([first, second]).any():
        raise ValueError(f"{run.name}: the end of {end} is not defined in some seed")
    with np.errstate(invalid="ignore"):  # both never
        return np.asarray(np.log2(second) - np.log2(first))


def never(runs: Path, end: str, plan: Plan, pair: Pair) -> str:
    """In how many trainings of a plan there is no number."""
    found = np.concatenate([halvings(runs / name, pair, end) for names in plan.kept for name in names])
    return NEVER.format((~np.isfinite(found)).sum(), len(found))


def on_new_classes(run: Path, what: str, pair: Pair) -> Estimate:
    """Of accuracies on new classes on the encoders of a kept run. ValueError where they were not compared."""
    path = run / NEW_CLASSES
    rows = read_record(path)["comparisons"] if path.exists() else []
    for row in rows:
        if (row["what"], row["method"], row["control"]) == (what, *pair):
            known = row["freedom"] is None  # JSON has no word for infinity
            return Estimate(row["difference"], row["error"], math.inf if known else row["freedom"])
    raise ValueError(f"{run.name} has no new classes of {' and '.join(pair)}; `make new-classes RUN={run.name}`")


KINDS = {"answers": answers}
