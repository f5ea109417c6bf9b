"""Command `try`: answers about your own sentences, a minute or so after the set-up and without training."""

import argparse
import inspect
import io
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout, suppress
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from protomtl import params
from protomtl.core import runner
from protomtl.core.files import read_json, write_json
from protomtl.core.paths import BACKBONE, PREPARED, RAW, STATE, TOKENS
from protomtl.core.sections import PARAMS
from protomtl.core.yaml_reader import read_yaml
from protomtl.tasks.settings import Task
from protomtl.verification import LOCK

if TYPE_CHECKING:
    from protomtl.inference.model import Model

EXAMPLES = """
  protomtl try "A warm, funny and wonderfully acted film."
  protomtl try "How old are you?" "What is your age?"     two sentences are also taken as a pair
  protomtl try < lines.txt                                a row a line; a tab parts the two texts of a pair
  protomtl try                                            asks
  protomtl try --demo                                     the page of `protomtl demo`"""
FETCHED = {"download": RAW, "backbone": BACKBONE, "prepare": PREPARED, "tokens": TOKENS}  # in this order
NOTES = STATE / "try" / "fetched.json"
ROW = "a sentence, or two with a tab between"
LIKELY = 3  # classes that are shown

Texts = tuple[str, ...]  # one, or a pair


def arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("texts", nargs="*", metavar="TEXT", help="a sentence; without one they are read or asked for")
    command.add_argument("--demo", action="store_true", help="open the page to type into; needs the extra `demo`")


def run(args: argparse.Namespace) -> None:
    """Fetch what is not there, fit the heads, answer; or become the demo's server."""
    from protomtl.commands import demo
    from protomtl.quick_model import quick_model  # heavy

    chosen = params.load()
    rows = given(args.texts) if not args.demo else iter(())  # before the work, for there may be nothing to answer
    fetch()
    folder = quick_model(chosen, with_map=args.demo)
    if args.demo:
        parser = argparse.ArgumentParser()
        demo.arguments(parser)
        demo.run(parser.parse_args(["--model", str(folder)]))
    from protomtl.inference.loading import load

    try:
        model = load(folder)
    except ValueError as error:
        raise SystemExit(f"{error}; remove {folder}, and it is fitted again") from None
    try:
        for texts in rows:
            print("\n".join(answer(model, texts)), flush=True)
    except ValueError as error:  # half of a character
        raise SystemExit(f"protomtl try: {error}") from None


def fetch() -> None:
    """Run the steps whose folder is not there or was made by other parameters, and those behind them."""
    content, notes, lock = read_yaml(PARAMS), noted(), recorded()
    changed = False
    for step, folder in FETCHED.items():
        wanted = {name: content[name] for name in inspect.signature(runner.module(step).run).parameters}
        if changed or not folder.exists() or made_by(step, folder, notes, lock) != wanted:
            print(f"{step} …", file=sys.stderr, flush=True)
            with redirect_stdout(io.StringIO()):  # what a step tells is told by the pipeline
                runner.run(step)
            changed = True
            notes[step] = {"params": wanted, "time": folder.stat().st_mtime_ns}
            write_json(NOTES, notes)


def noted() -> dict[str, Any]:
    """What we noted of the steps that we ran; nothing where that is damaged."""
    with suppress(SystemExit, OSError):
        notes = read_json(NOTES)
        if isinstance(notes, dict) and all(isinstance(note, dict) for note in notes.values()):
            return notes
    return {}


def recorded() -> Any:
    """The stages of dvc.lock as DVC wrote them; none where it is damaged, as by a merge."""
    try:
        stages = YAML(typ="safe").load(LOCK)["stages"] if LOCK.exists() else {}
    except (YAMLError, KeyError, TypeError, ValueError):
        return {}
    return stages if isinstance(stages, dict) else {}


def made_by(step: str, folder: Path, notes: dict[str, Any], lock: dict[str, Any]) -> Any:
    """The parameters by which a step's folder was made: by us if it is still ours, else as DVC says."""
    ours = notes.get(step, {})
    if ours.get("time") == folder.stat().st_mtime_ns:
        return ours.get("params")
    return lock.get(step, {}).get("params", {}).get(PARAMS.name)


def given(words: list[str]) -> Iterator[Texts]:
    """The rows: of the command line, of standard input, or, on a terminal, asked for. SystemExit for a blank one, and
    for standard input without a row: it is waited for, unless somebody is asked."""
    if not all(word.strip() for word in words):
        raise SystemExit("protomtl try: a TEXT is blank; give each some words")
    if words:
        pair = [(words[0], words[1])] if len(words) == 2 else []
        return iter([*((word,) for word in words), *pair])
    if sys.stdin.isatty():
        return asked()
    rows = piped()
    if (first := next(rows, None)) is None:
        raise SystemExit(f"protomtl try: standard input has no text; give a TEXT, or a row a line: {ROW}")
    return chain([first], rows)


def piped() -> Iterator[Texts]:
    """Rows of standard input. SystemExit for bytes that are no text."""
    try:
        yield from (row for line in sys.stdin if (row := parted(line)))
    except UnicodeDecodeError as error:
        raise SystemExit(f"protomtl try: {error}") from None


def asked() -> Iterator[Texts]:
    """Rows that are typed, up to an empty one."""
    print(f"{ROW[0].upper()}{ROW[1:]}; an empty line ends.", file=sys.stderr)
    while True:
        try:
            row = parted(input("> "))
        except EOFError:
            return
        if not row:
            return
        yield row


def parted(line: str) -> Texts:
    """The texts of a line; SystemExit for more than two."""
    texts = tuple(text.strip() for text in line.split("\t") if text.strip())
    if len(texts) > 2:
        raise SystemExit(f"protomtl try: a row has one text or two, not {len(texts)}: {line.strip()[:80]!r}")
    return texts


def answer(model: "Model", texts: Texts) -> Iterator[str]:
    """What the tasks of so many texts say of them."""
    yield " | ".join(texts)
    tasks = {name: task for name, task in model.tasks.items() if len(task.texts) == len(texts)}
    for name, task in tasks.items():
        row: Any = texts[0] if len(texts) == 1 else texts
        yield f"  {name}: {said(task, next(model.stream_scores(name, [row])))}"
    if not tasks:
        yield f"  no task of {PARAMS} reads {'a pair' if len(texts) == 2 else 'a single text'}"


def said(task: Task, scores: np.ndarray) -> str:
    """`very positive 0.62, positive 0.30, neutral 0.05`, or `3.91 of 0 to 5`."""
    if not task.what.has_classes:
        low, high = task.bounds
        return f"{np.clip(scores[0], low, high):.2f} of {low:g} to {high:g}"
    names = task.class_names
    return ", ".join(f"{names[k]} {scores[k]:.2f}" for k in np.argsort(-scores, kind="stable")[:LIKELY])
