"""The questions that were fixed before their runs (docs/research/questions.yaml), and what the plans could find."""

from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd

from protomtl.analysis import power
from protomtl.analysis.curves import area_weights
from protomtl.analysis.verdicts import judged
from protomtl.core.sections import validate
from protomtl.core.settings import Block
from protomtl.core.yaml_reader import read_yaml

QUESTIONS = Path("research/questions.yaml")  # beside docs/runs
UNKNOWN = "no kept run tells"


class Plan(Block):
    """Trainings of each method: seeds on each of some data splits.

    noise: the kept run whose variances stand for it; like: the comparison that stands for one which that run has not.
    """

    data: str
    seeds: int
    splits: int
    noise: str | None = None
    like: tuple[str, str] | None = None


class Question(Block):
    """A question: its primary figure, the smallest difference that matters, and pairs of method and control."""

    ask: str
    figure: str
    margin: float
    why: str
    rows: list[int] | None = None  # of a task, where the figure is an area over them
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
            rows.append([*names, *planned(runs, question, plan, method, control)])
    return [*head, "power of equality", "detectable"], rows


def planned(runs: Path, question: Question, plan: Plan, method: str, control: str) -> list[str]:
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
    row = judged(pd.read_csv(run / "tables-comparisons.csv"), method, control)[1].get("overall")
    if row is None:
        return None
    deviations = (float(table["overall_sd"][method]), float(table["overall_sd"][control]))
    return power.noise(row["high"] - row["low"], deviations, len(str(table["seeds"][method]).split(",")))


KINDS = {"questions": questions, "power": plans}
