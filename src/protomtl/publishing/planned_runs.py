"""Whether the kept runs of a plan are what the plan says: a wrong run would give a number that looks like an answer."""

from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from protomtl.core.files import read_record
from protomtl.core.runner import PHASES
from protomtl.core.yaml_reader import read_yaml
from protomtl.publishing.curves import curve, of_seeds
from protomtl.publishing.questions import Plan, Question

COMMON = ("backbone", "pretrain", "finetune", "tasks")  # settings that all runs of a plan share
About = Mapping[str, Any]  # about.json of a kept run


def check(runs: Path, question: Question, plan: Plan) -> None:
    """ValueError that names a kept run which is not of the plan: by its data, rows, seeds, methods, settings or
    updates; or a split that is there twice, or whose runs are not of one draw.

    The settings that the preset of the question names are those of the preset, and all are those of the first run.
    """
    if len(plan.kept) > plan.splits:
        raise ValueError(f"kept: {len(plan.kept)} splits, but the plan has {plan.splits}")
    draws, first, preset = [], None, read_yaml(runs.parents[1] / "presets" / f"{question.preset}.yaml")
    for names in plan.kept:
        if len(names) != len(question.rows or [0]):
            raise ValueError(f"kept: {', '.join(names)}: a split is {len(question.rows or [0])} runs")
        abouts = [read_record(runs / name / "about.json") for name in names]
        first = first or abouts[0]
        for name, about, rows in zip(names, abouts, question.rows or [0], strict=True):
            wrong = (
                faults(about, question, plan, rows),
                unlike(about, question, plan, preset),
                others(about, first, question, plan),
            )
            for fault in chain(*wrong):
                raise ValueError(f"{name}: {fault}")
            same_updates(runs / name, question, plan)
        if len({draw(about) for about in abouts}) > 1:
            raise ValueError(f"kept: {', '.join(names)}: of several `split_seed` or `worsened.seed`")
        draws.append(draw(abouts[0]))
    for k, what in enumerate(("split_seed", *(["worsened.seed"] if question.rows else []))):
        if len({own[k] for own in draws}) < len(draws):
            raise ValueError(f"kept: two splits have the same `{what}`")


def faults(about: About, question: Question, plan: Plan, rows: int) -> Iterator[str]:
    """What one run has other than its plan."""
    worsened, seeds = about.get("worsened", {}), [seed for part in about["parts"] for seed in part["seeds"]]
    if about["data"] != plan.data:
        yield f"data {about['data']}, but the plan has {plan.data}"
    if (about["rows"] or worsened.get("rows", 0)) != rows:
        yield f"{about['rows'] or worsened.get('rows', 0) or 'all'} rows of a task, but the plan has {rows or 'all'}"
    if worsened.get("wrong_labels", 0) or worsened.get("imbalance", 1) != 1:
        yield "`worsened` has wrong labels or rare classes"
    if len({*seeds}) != plan.seeds:
        yield f"{len({*seeds})} seeds, but the plan has {plan.seeds}"
    if missing := [method for method in methods(question, plan) if method not in about["methods"]]:
        yield f"has no {', '.join(missing)}"


def methods(question: Question, plan: Plan) -> list[str]:
    """All that are compared, and whose end is a goal."""
    end = [question.updates] if question.updates else []
    return list(dict.fromkeys([*(name for pair in question.compared_in(plan) for name in pair), *end]))


def unlike(about: About, question: Question, plan: Plan, preset: Mapping[str, Any]) -> Iterator[str]:
    """Which settings of both phases the run has other than the preset of its question."""
    for phase in PHASES:
        blocks = {phase: (about[phase], preset.get(phase))}
        for name in methods(question, plan):
            own = preset.get("method", {}).get(name, {}).get(phase)
            blocks[f"method.{name}.{phase}"] = about["methods"][name].get(phase), own
        for where, (has, wanted) in blocks.items():
            for key, value in wanted.items() if isinstance(wanted, Mapping) else ():
                found = has.get(key) if isinstance(has, Mapping) else None
                if found != value:
                    yield f"{where}.{key} {found}, but preset {question.preset} has {value}"


def others(about: About, first: About, question: Question, plan: Plan) -> Iterator[str]:
    """Which settings are not those of the first run of the plan; labels are words for people."""
    for key in COMMON:
        if about.get(key) != first.get(key):
            yield f"other `{key}` than the first run of the plan"
    for name in methods(question, plan):
        mine, theirs = ({k: run["methods"][name].get(k) for k in ("pretrain", "finetune")} for run in (about, first))
        if mine != theirs:
            yield f"another `{name}` than the first run of the plan"


def same_updates(run: Path, question: Question, plan: Plan) -> None:
    """ValueError where a method and its control end behind other numbers of updates."""
    for seed in of_seeds(run):
        for pair in question.compared_in(plan):
            ends = [int(curve(seed, method)["updates"].iloc[-1]) for method in pair]
            if ends[0] != ends[1]:
                raise ValueError(f"{run.name}: {pair[0]} has {ends[0]} updates, but {pair[1]} {ends[1]}")


def draw(about: About) -> tuple[int | None, int | None]:
    """The seeds of a data split and of the rows that are drawn of it."""
    return about.get("split_seed"), about.get("worsened", {}).get("seed")
