"""Command `init`: your own data from your files: splits, tasks and the settings that go with them."""

import argparse
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from protomtl.core import sections
from protomtl.core.files import atomic
from protomtl.core.paths import real
from protomtl.core.sections import PARAMS
from protomtl.core.settings import SPLITS, Seed
from protomtl.core.tables import repeated
from protomtl.data.readers import BadRow
from protomtl.own_data import files, previewing, proposing, reading, spelling, together, writing
from protomtl.own_data.data_sets import data_sets, name_of, stem
from protomtl.own_data.fields import BadFile, Table
from protomtl.own_data.guessing import Guess, in_ascii
from protomtl.params import COLUMNS, load

OWN = Path("data/own")
LONGEST = 100  # name of a folder; files within others make a path, and of that some systems take 260
EXAMPLES = """
  protomtl init reviews.csv
  protomtl init reviews.csv pairs.csv                 two data sets, whose tasks are learned together
  protomtl init train.jsonl dev.jsonl test.jsonl --name mood --label mood
  protomtl init SICK.txt --text sentence_A sentence_B --label entailment_label relatedness_score --yes"""


def arguments(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add(
        "files",
        nargs="+",
        metavar="FILE",
        help="one file, or train, dev and test, of one data set or of several: " + ", ".join(reading.FORMATS),
    )
    add("--name", help="of the folder in data/own (default: by the files' names)")
    add("--text", nargs="+", metavar="COLUMN", help="of the text, or of both texts of a pair, if the guess is wrong")
    add(
        "--label",
        nargs="+",
        metavar="COLUMN",
        help="of the label, a task each, if the guess is wrong; a,b,c: columns of 0 and 1 that are one task",
    )
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
    if twice := repeated([str(real(name)) for name in args.files]):
        raise Guess(f"{twice[0]}: is named twice; name each file once")
    sets = data_sets([reading.read(Path(name)) for name in args.files])
    target = OWN / folder_name(args, [*sets])
    if target.exists():
        raise Guess(f"{target}: is there already, and stays as it is; choose another --name")
    check_options(args, sets)
    content, was = writing.edited(PARAMS)
    load()  # what is not sound before is told as it is, not as what became of it
    tasks: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        told: list[str] = []
        for name, tables in sets.items():
            asked = proposing.Asked(args.text, args.label, name, target.name)
            try:
                own, drawn, words = proposed(asked, tables, Path(scratch), [*tasks, *COLUMNS], args.seed)
            except Guess as problem:
                raise Guess(f"{name}: {problem}" if name else problem) from None
            told += [*drawn, *(f"{name}: {said}" if name else said for said in words)]
            tasks |= own
        print("\n".join([previewing.preview(Path(scratch), tasks, content["tokens"]["max_length"]), *told]))
        changes = writing.lay_in(content, tasks, str(target))
        print("\n".join(["", f"{target}: UTF-8 CSV files of these rows, and {files.LIST}", f"{PARAMS}:"]))
        print("\n".join(f"  {change}" for change in changes))
        if not agreed(args.yes):
            print("Nothing was written.")
            return
        save(content, was, Path(scratch), target)
    print(f"Written. Edit the `tasks` of {PARAMS} where the guess is wrong.")
    print("Then `protomtl try TEXT` answers without training; `protomtl preset quick` makes the first")
    print("`snakemake --cores 2 all` one of minutes.")


def proposed(
    asked: proposing.Asked, tables: list[Table], scratch: Path, taken: list[str], seed: int
) -> tuple[proposing.Blocks, list[str], list[str]]:
    """The tasks of a data set, whose splits are written; what was drawn, and what else is to be told of it. Raises
    Guess."""
    plain, words = spelling.respelled(tables)
    plain, joint, aside = together.joined(plain, asked.labels)
    own = proposing.proposed(plain, joint, asked, taken)
    drawn = write_splits(scratch, asked.name, plain, own, seed)
    return own, drawn, [*words, *(task.said for task in joint), *aside, *proposing.left_aside(plain, own, joint, asked)]


def folder_name(args: argparse.Namespace, sets: list[str]) -> str:
    """The name of the data: a folder's, and so a simple one. Raises Guess."""
    name = args.name or "_".join(filter(None, sets)) or stem_of(Path(args.files[0]), len(args.files) > 1) or "data"
    if not re.fullmatch(r"\w[\w.-]*", name, re.ASCII) or len(args.name or "") > LONGEST:
        raise Guess(
            f"--name {name!r:.99}: letters, digits, dots, dashes and underscores make a name, {LONGEST} at most"
        )
    return name[:LONGEST]


def stem_of(path: Path, several: bool) -> str:
    """What the name of a data set's first file says in plain letters; of several without the split, and where nothing
    else is said what the folder's name says."""
    said = name_of(path) or real(path).parent.name if several else stem(path)
    return re.sub(r"\W+", "_", in_ascii(said)).strip("_")


def check_options(args: argparse.Namespace, sets: Mapping[str, list[Table]]) -> None:
    """Guess for columns of --text and --label that are nowhere, there twice, or both. Their spaces become single."""
    columns = dict.fromkeys(name for tables in sets.values() for table in tables for name in table.columns)
    args.text, args.label = ([" ".join(n.split()) for n in names or ()] for names in (args.text, args.label))
    single = [name for word in args.label for name in together.parts_of(word, [*columns]) or [word]]
    for option, names in (("--text", args.text), ("--label", single)):
        if twice := repeated(names):
            raise Guess(f"{option} {twice[0]}: is there twice; name each column once")
        if missing := [name for name in names if name not in columns]:
            for table in (table for tables in sets.values() for table in tables):
                if why := table.nested.get(missing[0]):
                    raise Guess(f"{option} {missing[0]}: {why}")
            raise Guess(f"{option} {missing[0]}: no such column; there are {', '.join(map(repr, columns))}")
    if both := set(args.text) & set(single):
        raise Guess(f"--label {min(both)}: is a column of --text, too")


def write_splits(
    scratch: Path, name: str, tables: Sequence[Table], tasks: Mapping[str, dict[str, Any]], seed: int
) -> list[str]:
    """The splits of a data set, in a folder of its name; what was drawn of them, in words. Raises Guess."""
    main = next(iter(tasks.values()))
    tables = [spelling.with_gaps(table, main["texts"]) for table in tables]
    given = files.given_splits(tables)
    files.refuse_missing(tables, given, main["texts"], [block["label"] for block in tasks.values()])
    (scratch / name).mkdir(exist_ok=True)
    splits = files.drawn_splits(tables, given, main["texts"], main["label"], seed)
    files.write(scratch / name, tables, splits)
    drawn = [split for split in SPLITS if split not in given]
    how = f"drawn with seed {seed}, stratified, rows that share a text together; another --seed draws others"
    what = f"Splits {' and '.join(drawn)}{f' of {name}' if name else ''}"
    return ["", f"{what}: {how}", *files.too_little(splits, drawn)] if drawn else []


def agreed(yes: bool) -> bool:
    """Whether to write: --yes, or the user says so on a terminal. Guess where nobody can be asked."""
    if yes:
        return True
    if not sys.stdin.isatty():
        raise Guess("nothing was written, for there is no terminal to ask on; say --yes")
    try:
        return input("Write this? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False


def save(content: Any, was: bytes, scratch: Path, target: Path) -> None:
    """The data's folder, then params.yaml; if the latter is refused, neither is there."""
    with writing.rewritten(PARAMS, content, was) as part:
        try:
            load(part)
        except SystemExit as error:
            raise Guess(f"{str(error).replace(str(part), str(PARAMS))}; nothing was written") from None
        if target.exists():
            raise Guess(f"{target}: has come to be in the meantime; nothing was written: choose another --name")
        with atomic(target) as folder:
            shutil.copytree(scratch, folder)
