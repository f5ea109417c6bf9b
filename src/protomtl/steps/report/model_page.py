"""The page of `protomtl stress`: what the report says of robustness, of one exported model."""

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from markupsafe import Markup

from protomtl.analysis import caveats
from protomtl.core.markdown import number
from protomtl.core.runs import Run
from protomtl.perturbations.battery import CLEAN
from protomtl.steps.report import calibrated, failing, pages, robust, robust_pictures, stressed
from protomtl.steps.report.stressed import Tables
from protomtl.tasks.settings import Task

if TYPE_CHECKING:
    from protomtl.inference.model import Model

RUN = Run("model", 1)
MEASURED_ON = "On the rows as they are. T is the model's own temperature, with which `predict_proba` answers."


def page_of(
    model: "Model",
    said: Mapping[str, pd.DataFrame],
    report: dict[str, Any],
    texts: dict[str, pd.DataFrame],
    rows: str,
) -> str:
    """The page of the report, of one model; with the curves and the texts in it.

    said: of each task the cases, with what the model said; rows: in words, which were asked.
    """
    tables: Tables = {name: {RUN: table} for name, table in said.items()}
    tasks, labels = {name: model.tasks[name] for name in tables}, {RUN.method: name_of(model)}
    losses, drawn = stressed.losses(tables, tasks)
    certain: list[dict[str, Any]] = []
    for name, several in tables.items():
        plain = several[RUN][several[RUN]["stress"] == CLEAN]
        if tasks[name].what.has_classes and (known := calibrated.scored(plain, tasks[name], "label")):
            heat, one = model.trust[name].temperature, tasks[name].what.one_class
            certain.append({"method": RUN.method, "task": name, **calibrated.figures(known, heat, several=not one)})
    measured = robust.Measured(losses, drawn, failing.failures(tables, tasks), pd.DataFrame(certain))
    parts = robust.page(measured, [RUN], labels, report, MEASURED_ON)
    with tempfile.TemporaryDirectory() as folder:
        robust_pictures.draw_noise(losses, labels, Path(folder))
        for picture in Path(folder).glob("*.svg"):
            _, svg, rest = picture.read_text(encoding="utf-8").partition("<svg")
            parts.insert(0, pages.Part("Against noise", Markup(svg + rest)))  # noqa: S704  # our own
    figures = ", ".join(f"{name}: {task.figure.words}" for name, task in tasks.items())
    clean = " ".join(["", *as_they_are(tables, tasks)])
    parts.insert(0, pages.Part("The rows", f"{rows} The figure of each task is {figures}.{clean}"))
    return pages.page(f"Robust? {name_of(model)}", [*parts, *robust.texts(texts, tasks)])


def as_they_are(tables: Tables, tasks: Mapping[str, Task]) -> Iterator[str]:
    """A sentence for each task whose rows have labels: its figure on them without a stress, and the interval."""
    for name, task in tasks.items():
        plain, said = stressed.answers(tables[name], CLEAN)
        if len(plain) and plain["label"].notna().all():
            low, high = stressed.interval(stressed.resampled(task, plain, said, name, CLEAN))
            about = f"{caveats.interval(low, high)}, rows: {len(plain)}"
            yield f"As they are {name} has {number(stressed.figure(task, plain, said)[0])} ({about})."


def name_of(model: "Model") -> str:
    """For people: of a folder its last part, of the hub ORG/NAME; the commit was told when it was loaded."""
    here = Path(model.origin).absolute() == model.folder
    return model.folder.resolve().name if here else model.origin.partition("@")[0]
