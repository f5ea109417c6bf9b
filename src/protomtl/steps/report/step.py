"""Step `report`: pages and pictures for people to look at, results/report; `make report` binds them into one file."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pyarrow.parquet as pq

from protomtl.core.files import atomic, read_record, write_json
from protomtl.core.paths import PERTURBED, PREPARED, results
from protomtl.core.runs import Run, methods_of, predictions_file, read_runs, seeds_of
from protomtl.core.settings import Block, Method, Name
from protomtl.core.written import COMPARED, TABLE, read_cases, read_rows, read_table
from protomtl.steps.report import calibrated, failing, pages, primary, robust, robust_pictures, stressed
from protomtl.steps.report.confusion import draw_confusions
from protomtl.steps.report.pages import Part
from protomtl.tasks.settings import Task, main_tasks

WORST = 15  # errors of each task


class Exported(Block, extra="ignore"):
    """Of `export` which run it is: its other settings do not matter here."""

    method: Name
    seed: int


def run(method: dict[str, Method], tasks: dict[str, Task], export: Exported) -> None:
    """Write results/report: the answer, the tables, the data, the worst errors, the versions, confusion matrices."""
    every, tasks = tasks, main_tasks(tasks)
    runs, shown = read_runs(), Run(export.method, export.seed)
    labels = {name: method[name].label for name in methods_of(runs)}
    kinds = {"table1": TABLE, "table2": TABLE, "comparisons": COMPARED}
    read = {name: read_table(results("tables") / f"{name}.csv", names) for name, names in kinds.items()}
    shown_as = labels | dict(
        zip(read["table1"]["method"], read["table1"]["label"], strict=True)
    )  # rows put together, too
    trained = results("finetune", *shown)
    found = {
        "answer": ("Does prototypical pre-training help?", pages.answer(read["comparisons"], shown_as)),
        "table1": ("All methods on dev", pages.main_table(read["table1"], [*tasks])),
        "table2": ("All methods on test", pages.main_table(read["table2"], [*tasks])),
        "comparisons": ("Each method against the references", pages.comparisons(read["comparisons"], shown_as, tasks)),
        "data": ("The data", pages.data(read_record(results("prepare") / "report.json"), every)),
        "errors": (f"Worst errors: {labels[shown.method]}, seed {shown.seed}", errors(shown, tasks)),
        "versions": (
            "What made it",
            pages.versions(read_record(trained / "versions.json"), read_record(trained / "config.json")),
        ),
    }
    found |= (stress := under_stress(runs, labels, tasks)).pages
    folder = results("report")
    with atomic(folder) as part:
        part.mkdir()
        for name, (title, parts) in found.items():
            (part / f"{name}.html").write_text(pages.page(title, parts), encoding="utf-8")
        draw_confusions(labels, seeds_of(runs), tasks, part)
        write_stress(stress, part)
        robust_pictures.draw_noise(stress.found.losses, labels, part)
        robust_pictures.draw_reliability(runs, labels, tasks, part)
    print(f"report: {', '.join(sorted(path.name for path in folder.iterdir()))}")


class Stressed(NamedTuple):
    pages: dict[str, tuple[str, list[Part]]]
    found: robust.Measured
    primary: dict[str, Any] | None


def under_stress(runs: Sequence[Run], labels: Mapping[str, str], tasks: Mapping[str, Task]) -> Stressed:
    """The page of all figures, and the page of the texts themselves."""
    tables = stressed.read(runs, tasks)
    losses, drawn = stressed.losses(tables, tasks)
    found = robust.Measured(losses, drawn, failing.failures(tables, tasks), calibrated.table(runs, tasks))
    whole = stressed.whole_runs(tables, tasks)
    parts = robust.page(found, whole, labels, read_record(PERTURBED / "report.json"))
    parts.insert(1, Part(text="All figures are on test, or on dev where test has no labels."))
    cases = {name: read_cases(PERTURBED / f"{name}.csv") for name in tables}
    own = {"robust": ("Robust?", parts), "perturbed": ("The texts under stress", robust.texts(cases, tasks))}
    return Stressed(own, found, primary.figure(losses, drawn, whole))


def write_stress(stress: Stressed, folder: Path) -> None:
    """What is kept of a run: the losses, the failed tests, and the figure that was fixed before if the run has it."""
    failures = stress.found.failures.drop(columns="label", errors="ignore")  # a name is for people
    for name, table in (("robust", stress.found.losses), ("robust-failures", failures)):
        table.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n", float_format="%.6f")
    if stress.primary:
        write_json(folder / "robust-primary.json", stress.primary)


def errors(shown: Run, tasks: Mapping[str, Task]) -> list[Part]:
    """The wrong answers on dev that are furthest from right, with their texts."""
    parts = []
    for name, task in tasks.items():
        path = predictions_file(shown, "dev", name)
        if not path.exists():  # the run has not trained the task
            continue
        rows = read_rows(path, dtype={"id": str})
        if rows["gold"].isna().any():
            continue
        texts = pq.read_table(PREPARED / name / "dev.parquet").to_pandas()[["text_a", "text_b"][: len(task.texts)]]
        wrong = distance(rows, task)[rows["prediction"] != rows["gold"]]
        worst = wrong.sort_values(ascending=False, kind="stable").index[:WORST]
        if worst.empty:
            parts.append(Part(name, text="All rows of dev are answered rightly."))
            continue
        said = rows.loc[worst, ["gold", "prediction"]].map(task.shown)
        table = pd.concat([said, texts.loc[worst]], axis=1)
        parts.append(Part(name, table=table.rename(columns={"text_a": "text", "text_b": "second text"})))
    return parts or [Part(text="Dev has no labels.")]


def distance(rows: pd.DataFrame, task: Task) -> pd.Series:
    """[n] how far each prediction is from right: the missing probability, or the difference of values."""
    if not task.what.has_classes:
        return (rows["prediction"] - rows["gold"]).abs()
    scores = rows.filter(regex=r"^score_\d+$").to_numpy()
    return pd.Series(1 - task.what.right(task, scores, rows["gold"].to_numpy()).mean(1))
