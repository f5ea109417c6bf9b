"""Command `init`: your own data from your files: splits, tasks and the settings that go with them."""

import argparse
import io
import re
import shutil
import sys
import tempfile
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from protomtl.core import sections
from protomtl.core.files import atomic
from protomtl.core.sections import PARAMS
from protomtl.core.settings import SPLITS, Seed
from protomtl.core.tables import repeated
from protomtl.data.readers import BadRow, Row
from protomtl.own_data import files, guessing, reading, writing
from protomtl.own_data.guessing import Guess
from protomtl.own_data.reading import BadFile
from protomtl.params import COLUMNS, load
from protomtl.tasks.settings import Task

OWN = Path("data/own")
FILES = {split: f"{split}.csv" for split in SPLITS}
SHOWN, WIDE = 3, 56  # rows of a preview, characters of a text
LONG = 0.75  # words that a token is, about
EXAMPLES = """
  protomtl init reviews.csv
  protomtl init train.jsonl dev.jsonl test.jsonl --name mood --label mood
  protomtl init SICK.txt --text sentence_A sentence_B --label entailment_label relatedness_score --yes"""


def arguments(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("files", nargs="+", metavar="FILE", help="one file, or train, dev and test: " + ", ".join(reading.FORMATS))
    add("--name", help="of the folder in data/own (default: the file's name)")
    add("--text", nargs="+", metavar="COLUMN", help="of the text, or of both texts of a pair, if the guess is wrong")
    add("--label", nargs="+", metavar="COLUMN", help="of the label, a task each, if the guess is wrong")
    add("--seed", type=sections.argument(Seed), default=2024, help="of the splits that are drawn (default: 2024)")
    add("--yes", action="store_true", help="write without asking")


def run(args: argparse.Namespace) -> None:
    try:
        init(args)
    except (BadFile, Guess, BadRow) as error:
        print(f"protomtl init: {error}", file=sys.stderr)
        sys.exit(2)


def init(args: argparse.Namespace) -> None:
    """Propose, show, ask, write. Raises BadFile and Guess; nothing is written then."""
    target = OWN / folder_name(args)
    if target.exists():
        raise Guess(f"{target}: is there already, and stays as it is; choose another --name")
    tables = [reading.read(Path(name)) for name in args.files]
    tasks = proposed(tables, args)
    main = next(iter(tasks.values()))
    given = files.given_splits(tables)
    files.refuse_missing(tables, given, main["texts"], [block["label"] for block in tasks.values()])
    splits = files.drawn_splits(tables, given, main["texts"], main["label"], args.seed)
    content = writing.editable(PARAMS)
    load()  # what is not sound before is told as it is, not as what became of it
    with tempfile.TemporaryDirectory() as scratch:
        files.write(Path(scratch), tables, splits)
        drawn = [split for split in SPLITS if split not in given]
        print(preview(Path(scratch), tasks, drawn, args.seed, content["tokens"]["max_length"]))
        changes = writing.lay_in(content, tasks, str(target))
        print("\n".join(["", f"{target}: UTF-8 CSV files of these rows, and {files.LIST}", f"{PARAMS}:"]))
        print("\n".join(f"  {change}" for change in changes))
        if not agreed(args.yes):
            print("Nothing was written.")
            return
        save(content, Path(scratch), target)
    print(f"Written. Edit the `tasks` of {PARAMS} where the guess is wrong; then `snakemake --cores 2 all`.")


def folder_name(args: argparse.Namespace) -> str:
    """The name of the data: a folder's, and so a simple one. Raises Guess."""
    stem = unicodedata.normalize("NFKD", Path(args.files[0]).name.partition(".")[0]).encode("ascii", "ignore").decode()
    name = args.name or re.sub(r"\W+", "_", stem).strip("_") or "data"
    if not re.fullmatch(r"\w[\w.-]*", name, re.ASCII):
        raise Guess(f"--name {name!r}: letters, digits, dots, dashes and underscores make a name here")
    return name


def proposed(tables: Sequence[reading.Table], args: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """The blocks of the tasks, a task for each column of labels. Raises Guess."""
    columns = {column.name: column for column in files.columns_of(tables)}
    args.text, args.label = ([" ".join(n.split()) for n in names or ()] for names in (args.text, args.label))
    for option, names in (("--text", args.text), ("--label", args.label)):
        if twice := repeated(names):
            raise Guess(f"{option} {twice[0]}: is there twice; name each column once")
        if missing := [name for name in names if name not in columns]:
            raise Guess(f"{option} {missing[0]}: no such column; there are {', '.join(map(repr, columns))}")
    if args.text and len(args.text) > 2:
        raise Guess(f"--text: one column or two, not {len(args.text)}")
    if both := set(args.text) & set(args.label):
        raise Guess(f"--label {min(both)}: is a column of --text, too")
    labelled = [column for column in columns.values() if column.name not in args.label]
    texts = args.text or guessing.texts_of(labelled)
    found: dict[str, dict[str, Any]] = {}
    for label in args.label or guessing.labels_of([*columns.values()], texts):
        block = guessing.task_of(columns[label], texts, FILES)
        try:
            sections.validate(f"column {label!r}", Task, block)
        except SystemExit as error:
            raise Guess(str(error)) from None
        found[guessing.task_name(label, folder_name(args), [*found, *COLUMNS])] = block
    return found


def preview(folder: Path, tasks: Mapping[str, dict[str, Any]], drawn: list[str], seed: int, longest: int) -> str:
    """The tasks and some rows of each as step `prepare` will read them. BadRow for a missing column."""
    lines = []
    for name, block in tasks.items():
        task = Task.model_validate(block)
        lines += ["", f"Task {name}:", *(f"  {line}" for line in as_yaml(block).splitlines())]
        for split in SPLITS:
            lines += [f"  {line}" for line in shown(task, [*files.rows_read(folder, task, split)], split, longest)]
    if drawn:
        how = f"{' and '.join(drawn)}: drawn with seed {seed}, stratified, rows that share a text together"
        lines += ["", f"Splits {how}; another --seed draws others"]
    return "\n".join(lines[1:])


def shown(task: Task, rows: Sequence[Row | BadRow], split: str, longest: int) -> list[str]:
    """What a split holds: labels, some rows, what cannot be read."""
    good, bad = [r for r in rows if isinstance(r, Row)], [r for r in rows if isinstance(r, BadRow)]
    labels = Counter(k for row in good if row.label is not None for k in task.what.bins(task, row.label))
    counts = task.histogram({str(k): labels[k] for k in sorted(labels)}) or "no labels"
    lines = [f"{split}: {len(good)} rows ({counts if len(counts) < 200 else f'{len(labels)} different labels'})"]
    for row in good[:SHOWN]:
        label = "?" if row.label is None else task.shown(row.label)
        lines.append(f"  {' | '.join(cut(text) for text in row.texts)} → {label}")
    cutting = sum(sum(len(text.split()) for text in row.texts) > longest * LONG for row in good)
    if cutting:
        lines.append(f"  about {cutting} rows are longer than tokens.max_length: {longest}, and are cut")
    if bad:
        problem = str(bad[0]).rpartition("/")[2]
        lines.append(f"  {len(bad)} rows cannot be used, the first: {problem}")
        lines.append(
            "  with data.on_bad_row: drop such rows are left out and counted; else the first stops the pipeline"
        )
    return lines


def cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= WIDE else f"{text[: WIDE - 1]}…"


def as_yaml(block: Mapping[str, Any]) -> str:
    """A block as it will stand in params.yaml."""
    stream = io.StringIO()
    writing.round_trip().dump(writing.styled(block), stream)
    return stream.getvalue()


def agreed(yes: bool) -> bool:
    """Whether to write: --yes, or the user says so on a terminal."""
    if yes:
        return True
    if not sys.stdin.isatty():
        print("Without a terminal --yes is needed to write this.")
        return False
    try:
        return input("Write this? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False


def save(content: Any, scratch: Path, target: Path) -> None:
    """The data's folder, then params.yaml; if the latter is refused, neither is there."""
    with writing.rewritten(PARAMS) as part:
        writing.round_trip().dump(content, part)
        try:
            load(part)
        except SystemExit as error:
            raise Guess(f"{str(error).replace(str(part), str(PARAMS))}; nothing was written") from None
        with atomic(target) as folder:
            shutil.copytree(scratch, folder)
