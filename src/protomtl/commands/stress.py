"""Command `stress`: what texts under stress do to an exported model, as a page; your own rows too."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from protomtl.core.files import read_record
from protomtl.core.paths import PERTURBED, real
from protomtl.core.sections import argument
from protomtl.core.settings import Positive
from protomtl.core.users_files import BadPath, users_file, users_target
from protomtl.core.written import read_cases
from protomtl.inference.hub import MODEL
from protomtl.inference.labelled_rows import labelled_rows
from protomtl.inference.lines import BadInput
from protomtl.inference.rows import BLOCK, blocks, checked, stacked
from protomtl.inference.texts import with_progress
from protomtl.perturbations.battery import Battery, battery
from protomtl.perturbations.kinds import NEEDED, fits
from protomtl.perturbations.settings import Perturb
from protomtl.perturbations.tables import CASE, table_of
from protomtl.sources.hub_errors import HubError
from protomtl.tasks.settings import Task, clipped

if TYPE_CHECKING:
    from protomtl.inference.model import Model

    # What the model said of each task, the report of step `perturb`, the texts of each task; in words which these are.
    Asked = tuple[dict[str, pd.DataFrame], dict[str, Any], dict[str, pd.DataFrame], str]

EXAMPLES = """
  protomtl stress results/export
  protomtl stress results/export --data reviews.csv --task sst --columns review --label stars --about opinion
  protomtl stress --method concat --seed 1          # the step of the pipeline"""
ABOUT = {"sst": "opinion", "para": "meaning", "sts": "meaning"}
MOST, ENDINGS = 2000, (".html", ".htm")
OF_ROWS = ("task", "columns", "label", "about", "rows")  # arguments that say something of --data


def arguments(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("model", nargs="?", metavar="MODEL", help=MODEL)
    add("--model", dest="named", metavar="MODEL", help="the same, as other commands have it")
    add(
        "--data",
        "--input",
        metavar="FILE",
        help="your own rows, .csv, .tsv or .jsonl; without it data/perturbed of this project",
    )
    add("--task", help="of the model, which the rows are of; needed where it has several")
    add("--columns", nargs="+", metavar="NAME", help="of the text, or of both texts (default: the task's own)")
    add("--label", metavar="NAME", help="the column of labels (default: the task's own; without labels meaning alone)")
    add(
        "--about",
        choices=("opinion", "meaning"),
        help="what labels say: how much a text is in favour, or whether two mean the same (default: "
        f"{', '.join(f'{about} of {task}' for task, about in ABOUT.items())}; else nothing)",
    )
    add(
        "--rows",
        type=argument(Positive),
        help=f"that the model reads at most, as they are and under all stresses together (default: {MOST})",
    )
    add("--output", default="stress.html", metavar="FILE", help="the page (default: stress.html)")
    add("--force", action="store_true", help="replace also a file that is read-only")


def run(args: argparse.Namespace) -> None:
    """Write the page; what cannot be read or written ends with a line and status 2."""
    try:
        if args.model and args.named:
            raise BadInput(f"--model {args.named}: {args.model} is named too; name one MODEL")
        args.model = args.model or args.named
        if not args.model:
            raise BadInput("name a MODEL, which `protomtl export` wrote; or --method and --seed of a run")
        if not args.data and (given := [name for name in OF_ROWS if getattr(args, name) is not None]):
            raise BadInput(f"--{given[0]}: is about your own rows; name them with --data FILE")
        if users_target(args.output, args.force) == real(args.data or "."):
            raise BadInput(f"--output {args.output}: is the file of --data, too; name another")
        if Path(args.output).suffix.lower() not in ENDINGS:
            raise BadInput(f"{args.output}: stress writes .html; say so in the file's name")
        write(args)
    except (BadInput, BadPath, FileNotFoundError, HubError, ValueError) as error:
        print(f"protomtl stress: {error}", file=sys.stderr)
        sys.exit(2)


def write(args: argparse.Namespace) -> None:
    from protomtl.inference.loading import load_alone  # heavy, as is the next one
    from protomtl.steps.report.model_page import page_of

    model = load_alone(args.model)
    page = page_of(model, *(own_rows(model, args) if args.data else perturbed(model)))
    with users_file(args.output, args.force) as part:
        part.write_text(page, encoding="utf-8")
    print(f"{args.output}: written", file=sys.stderr)


def perturbed(model: "Model") -> "Asked":
    """The texts of this project, of the tasks that the model has; of the rows that the report judges. Last, in words,
    which they are."""
    from protomtl.steps.report.stressed import judged  # heavy

    path = PERTURBED / "report.json"
    if not path.is_file():
        raise BadInput(f"{path}: not there; name your own rows with --data FILE, or run `protomtl perturb`")
    report, tables, texts = read_record(path), {}, {}
    for name in [name for name in model.tasks if name in report]:
        refuse_other_task(name, model.tasks[name])
        found = judged(read_cases(PERTURBED / f"{name}.csv"))
        if len(found):
            texts[name] = found
            sides = ["text"] if "text" in found else ["text_a", "text_b"]
            tables[name] = asked(model, name, found[[*CASE]], list(zip(*(found[s] for s in sides), strict=True)))
    if not tables:
        raise BadInput(
            f"{path}: has none of the model's tasks, {', '.join(model.tasks)}; name your own rows with --data"
        )
    return tables, {name: report[name] for name in tables}, texts, f"Those of {PERTURBED}, which step perturb made."


def refuse_other_task(name: str, task: Task) -> None:
    """BadInput where the task of this project is another one than the model's: its labels would mean other classes."""
    from protomtl.params import load  # of the pipeline

    here = load().tasks.get(name, task)
    said, of_model = ((own.kind, own.class_names, own.bounds, own.pair) for own in (here, task))
    if said != of_model:
        raise BadInput(
            f"tasks.{name}: the labels or texts of params.yaml are not those of the model's task of this name; "
            "name your own rows with --data FILE"
        )


def own_rows(model: "Model", args: argparse.Namespace) -> "Asked":
    """The user's rows under stress. Without labels there are tests of meaning alone."""
    name = args.task or (next(iter(model.tasks)) if len(model.tasks) == 1 else "")
    if name not in model.tasks:
        wrong = "no such task" if name else "is needed"
        raise BadInput(f"--task {name or 'TASK'}: {wrong}; the model has {', '.join(model.tasks)}")
    task, about, most = model.tasks[name], args.about or ABOUT.get(name), args.rows or MOST
    if args.about and not fits(task, args.about):
        raise BadInput(f"--about {args.about}: needs {NEEDED[args.about]}, which task {name} is not")
    rows, labels = labelled_rows(args.data, task, args.columns, args.label)
    labelled = not any(row.label != row.label for row in rows)
    kinds = ["noise", "meaning"] if labelled else ["meaning"]
    settings = Perturb.model_validate(
        {"rows": most, "splits": ["test"], "kinds": kinds, "noise": [0.05, 0.1], "seed": 1}
        | {"about": {name: about} if about else {}}
    )
    found = battery(name, task, rows, settings, most)
    told = [word.replace("`perturb.about`", "--about") for word in found.words]
    told += [] if labelled else [f"noise: these rows have no labels ({labels})"]
    refuse_nothing(args, found, told, most, len(rows))
    about_labels = f"{args.data}: {labels}" if labels and labelled else ""
    for line in [about_labels, *(f"{name}: left out {word}" for word in told)]:
        print(line, file=sys.stderr)
    cases, report = table_of(found.cases), {name: {"counts": found.counts, "left_out": told}}
    answers = asked(model, name, cases[[*CASE]], [case.texts for case in found.cases])
    return {name: answers}, report, {name: cases}, described(args, task, len(rows), labels)


def described(args: argparse.Namespace, task: Task, rows: int, labels: str) -> str:
    """Which rows were asked, for the page. labels: what is told of them."""
    texts = " and ".join(map(repr, args.columns or task.texts))
    of_labels = labels or f"column {args.label or task.label!r}"
    return f"Of {args.data} (rows: {rows}), texts in {texts}. Labels: {of_labels}."


def refuse_nothing(args: argparse.Namespace, found: Battery, told: list[str], most: int, rows: int) -> None:
    """BadInput where no stress has a row; told: what is left out; most: that may be asked; rows: of the file."""
    if any(count["made"] for count in found.counts.values()):
        return
    if found.enough:
        raise BadInput(f"--rows {most}: too few for {len(found.counts)} stresses; {found.enough} have one row of each")
    why = "; ".join(told) or f"no stress can change one of {rows} rows"
    raise BadInput(f"{args.data}: nothing can be asked of it: {why}; give more rows, or say --label or --about")


def asked(model: "Model", name: str, cases: pd.DataFrame, texts: Sequence[tuple[str, ...]]) -> pd.DataFrame:
    """The cases with what `predict` says of them, in the columns of step `stress`: scores are without temperature."""
    task, rows = model.tasks[name], [row if len(row) == 2 else row[0] for row in texts]
    asked_of = blocks(checked(rows, len(task.texts)), BLOCK)
    scores = stacked(with_progress(model.scores(name, asked_of, calibrated=False)), task.what.score_columns(task))
    said = task.what.written(clipped(task, task.what.predictions(scores)))
    found = cases.reset_index(drop=True).assign(prediction=said)
    if task.what.has_classes:
        found[[f"score_{k}" for k in range(scores.shape[1])]] = scores
    return found
