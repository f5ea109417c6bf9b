"""The questions that were fixed before their runs (docs/research/questions.yaml), and what the plans could find."""

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field

from protomtl.analysis import planned, power
from protomtl.analysis.bootstrap import holm
from protomtl.analysis.curves import area_weights
from protomtl.analysis.verdicts import word
from protomtl.core.markdown import number
from protomtl.core.sections import validate
from protomtl.core.settings import Block
from protomtl.core.yaml_reader import read_yaml
from protomtl.publishing.curves import CURVES, rows_of, updates
from protomtl.publishing.kept import compared_on, deciding

QUESTIONS = Path("research/questions.yaml")  # beside docs/runs
UNKNOWN = "no kept run tells"


class Plan(Block):
    """Trainings of each method: seeds on each of some data splits.

    noise: the kept run whose variances stand for it; like: the comparison that stands for one which that run has not.
    kept: the runs that were made of it, a list for each data split; of several sizes where the figure is an area.
    """

    data: str
    seeds: int
    splits: int
    noise: str | None = None
    like: tuple[str, str] | None = None
    kept: list[list[str]] = Field(default_factory=list)


class Question(Block):
    """A question: its primary figure, the smallest difference that matters, and pairs of method and control."""

    ask: str
    figure: str
    margin: float
    why: str
    rows: list[int] | None = None  # of a task, where the figure is an area over them
    updates: str | None = None  # where it is log2 of the updates to 95 % of the end of this method; less is better
    compare: list[tuple[str, str]]
    plans: list[Plan]
    preset: str


def read(path: Path) -> dict[str, Question]:
    """The questions by their letters. SystemExit with key and value for what is wrong."""
    content: dict[str, Any] = read_yaml(path)
    blocks = {name: block for name, block in content.items() if name != "fixed"}
    return {name: validate(f"{path}: {name}", Question, paired(block)) for name, block in blocks.items()}


def paired(block: dict[str, Any]) -> dict[str, Any]:
    """With pairs in the place of the lists that YAML has."""
    plans = [plan | ({"like": tuple(plan["like"])} if "like" in plan else {}) for plan in block["plans"]]
    return block | {"compare": [tuple(pair) for pair in block["compare"]], "plans": plans}


def questions(runs: Path, words: list[str]) -> tuple[list[str], list[list[str]]]:
    """A row a question: figure, margin, comparisons, and the preset that runs it."""
    rows = []
    for letter, question in read(runs.parent / QUESTIONS).items():
        pairs = "; ".join(f"`{method}` minus `{control}`" for method, control in question.compare)
        rows.append([f"({letter}) {question.ask}", question.figure, f"{question.margin:g}: {question.why}", pairs])
        rows[-1].append(f"`{question.preset}`")
    return ["question", "primary figure", "smallest difference that matters", "comparisons", "preset"], rows


def plans(runs: Path, words: list[str]) -> tuple[list[str], list[list[str]]]:
    """A row a comparison of a plan: its standard error, the power at the margin, and what it would find."""
    head = ["question", "comparison", "data", "seeds × splits", "standard error", "power at the margin"]
    rows = []
    for letter, question in read(runs.parent / QUESTIONS).items():
        for plan, (method, control) in product(question.plans, question.compare):
            names = [f"({letter})", f"`{method}` minus `{control}`", plan.data, f"{plan.seeds} × {plan.splits}"]
            rows.append([*names, *foreseen(runs, question, plan, method, control)])
    return [*head, "power of equality", "detectable"], rows


def foreseen(runs: Path, question: Question, plan: Plan, method: str, control: str) -> list[str]:
    """The cells of one comparison; the family are all comparisons of its question."""
    pairs = [(method, control), *([plan.like] if plan.like else [])]
    known = [found for pair in pairs if plan.noise and (found := kept_noise(runs / plan.noise, *pair)) is not None]
    if not known:
        return [UNKNOWN, "", "", ""]
    found = known[0]
    weights = (1.0,) if question.rows is None else tuple(area_weights(question.rows))
    error, family = power.standard_error(found, plan.seeds, plan.splits, weights), len(question.compare)
    chances = power.power(question.margin, error, family), power.power_of_equality(question.margin, error, family)
    return [f"{error:.4f}", *(f"{chance:.0%}" for chance in chances), f"{power.detectable(error, family):.3f}"]


def kept_noise(run: Path, method: str, control: str) -> power.Noise | None:
    """Of overall on test in a kept run; None where it does not compare the two."""
    table = pd.read_csv(run / "tables-table2.csv").set_index("method")
    row = compared_on(deciding(run), "overall", method, control)
    if row is None:
        return None
    deviations = (float(table["overall_sd"][method]), float(table["overall_sd"][control]))
    return power.noise(row["high"] - row["low"], deviations, seeds_of(run, method))


def seeds_of(run: Path, method: str) -> int:
    """How many a kept run has of a method."""
    return len(str(pd.read_csv(run / "tables-table2.csv").set_index("method")["seeds"][method]).split(","))


def answers(runs: Path, words: list[str]) -> tuple[list[str], list[list[str]]]:
    """A row a comparison of each plan whose runs are kept; p is corrected by Holm over the comparisons of the plan."""
    rows = []
    for letter, question in read(runs.parent / QUESTIONS).items():
        for plan in question.plans:
            if not plan.kept:
                rows.append([f"({letter})", "not run yet", plan.data, *[""] * 5])
                continue
            found = [pooled(runs, plan, pair, question.updates) for pair in question.compare]
            p = holm(np.array([planned.two_sided_p(estimate) for estimate in found]))
            equal = holm(np.array([planned.equal_p(estimate, question.margin) for estimate in found]))
            for (method, control), estimate, *values in zip(question.compare, found, p, equal, strict=True):
                low, high = planned.interval(estimate)
                says = word({"difference": estimate.difference, "p_holm": values[0], "p_equal": values[1]})
                cells = [number(estimate.difference, "+.4f"), f"{number(low, '+.4f')} to {number(high, '+.4f')}"]
                cells += [number(value) for value in values]
                rows.append([f"({letter})", f"`{method}` minus `{control}`", plan.data, *cells, says])
    head = ["question", "comparison", "data", "difference", "95 % interval", "p, Holm", "equal: p, Holm", "verdict"]
    return head, rows


def pooled(runs: Path, plan: Plan, pair: tuple[str, str], end: str | None) -> planned.Estimate:
    """The mean over the splits of a plan of overall on test, or of its area where a split has runs of several sizes;
    or of the updates to the end of a method."""
    splits = []
    for names in plan.kept:
        estimates = [sooner(runs / name, pair, end) if end else estimate(runs / name, pair) for name in names]
        weights = area_weights([rows_of(runs / name) for name in names]) if len(names) > 1 else np.ones(1)
        splits.append(planned.weighted(estimates, [float(w) for w in weights]))
    return planned.averaged(splits)


def estimate(run: Path, pair: tuple[str, str]) -> planned.Estimate:
    """Of overall on test in one kept run. ValueError where it does not compare the two.

    The interval itself has (s - 1) / s of the variance of s trainings, which would make the error too small.
    """
    row = compared_on(deciding(run), "overall", *pair)
    if row is None:
        raise ValueError(f"{run.name} does not compare {' with '.join(pair)}; name one of them in `compare`")
    found, seeds = kept_noise(run, *pair), seeds_of(run, pair[0])
    if found is None or not np.isfinite(found.trainings):  # one seed, which has no deviation
        return planned.from_interval(row["difference"], row["low"], row["high"])
    return planned.Estimate(row["difference"], power.standard_error(found, seeds))


def sooner(run: Path, pair: tuple[str, str], end: str) -> planned.Estimate:
    """By how many halvings a method has fewer updates to 95 % of the end of another one than its control has, and the
    standard error over seeds. NaN where one never gets there in some seed, which the table of `RUN soon` shows."""
    kept = [pd.read_csv(path) for path in sorted(run.glob(f"seed*/{CURVES}"))]
    if len(kept) < 2:
        raise ValueError(f"{run.name} has {CURVES} of {len(kept)} seeds; two at least are needed")
    first, second = (np.log2([updates(seed, method, end) for seed in kept]) for method in pair)
    differences = second - first
    if not np.isfinite(differences).all():
        return planned.Estimate(np.nan, np.nan)
    error = float(differences.std(ddof=1) / len(differences) ** 0.5)
    return planned.Estimate(float(differences.mean()), error, len(differences) - 1)


KINDS = {"answers": answers, "questions": questions, "power": plans}
