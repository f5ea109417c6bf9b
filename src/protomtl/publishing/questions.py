"""The questions that were fixed before their runs (docs/research/questions.yaml)."""

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from protomtl.core.sections import validate
from protomtl.core.settings import Block
from protomtl.core.yaml_reader import read_yaml

QUESTIONS = Path("research/questions.yaml")  # beside docs/runs


class Plan(Block):
    """Trainings of each method: seeds on each of some data splits.

    noise: the kept run whose variances stand for it; like: the comparison that stands for one which that run has not.
    kept: the runs that were made of it, a list for each data split; of several sizes where the figure is an area.
    compare: which comparisons of the question it has; none are named where it has all. Its p are corrected for all.
    """

    data: str
    seeds: int
    splits: int
    noise: str | None = None
    like: tuple[str, str] | None = None
    kept: list[list[str]] = Field(default_factory=list)
    compare: list[tuple[str, str]] = Field(default_factory=list)


class Question(Block):
    """A question: its primary figure, the smallest difference that matters, and pairs of method and control."""

    ask: str
    figure: str
    margin: float
    why: str
    rows: list[int] | None = None  # of a task, where the figure is an area over them
    updates: str | None = None  # where it is log2 of the updates to 95 % of the end of this method; less is better
    new_classes: Literal["few", "later"] | None = None  # where it is of this part of benchmarks/new_classes.py
    compare: list[tuple[str, str]]
    plans: list[Plan]
    preset: str

    @model_validator(mode="after")
    def compares_in_plans(self) -> Self:
        """A plan has comparisons of its question."""
        for plan in self.plans:
            for pair in plan.compare:
                if pair not in self.compare:
                    raise ValueError(f"plans: compare: {' minus '.join(pair)} is no comparison of the question")
        return self

    def compared_in(self, plan: Plan) -> list[tuple[str, str]]:
        """The pairs of method and control that a plan has."""
        return plan.compare or self.compare


def read(path: Path) -> dict[str, Question]:
    """The questions by their letters. SystemExit with key and value for what is wrong."""
    content: dict[str, Any] = read_yaml(path)
    blocks = {name: block for name, block in content.items() if name != "fixed"}
    return {name: validate(f"{path}: {name}", Question, paired(block)) for name, block in blocks.items()}


def paired(block: dict[str, Any]) -> dict[str, Any]:
    """With pairs in the place of the lists that YAML has."""
    plans = [
        plan
        | ({"like": tuple(plan["like"])} if "like" in plan else {})
        | {"compare": [tuple(pair) for pair in plan.get("compare", [])]}
        for plan in block["plans"]
    ]
    return block | {"compare": [tuple(pair) for pair in block["compare"]], "plans": plans}


def questions(runs: Path, words: list[str]) -> tuple[list[str], list[list[str]]]:
    """A row a question: figure, margin, comparisons, and the preset that runs it."""
    rows = []
    for letter, question in read(runs.parent / QUESTIONS).items():
        pairs = "; ".join(f"`{method}` minus `{control}`" for method, control in question.compare)
        rows.append([f"({letter}) {question.ask}", question.figure, f"{question.margin:g}: {question.why}", pairs])
        rows[-1].append(f"`{question.preset}`")
    return ["question", "primary figure", "smallest difference that matters", "comparisons", "preset"], rows


KINDS = {"questions": questions}
