"""Prototypical pre-training for multi-task sentence encoders: the steps of the pipeline, one command each."""

import argparse
import gc
import importlib
import io
import os
import re
import sys
from functools import partial
from pathlib import Path
from typing import Any

from protomtl import __version__, faults
from protomtl.core import runner
from protomtl.core.sections import argument
from protomtl.core.settings import Seed


def parser(chosen: str | None = None, as_step: bool = False) -> argparse.ArgumentParser:
    """All steps and commands with their first lines; only the chosen one is imported, for its arguments.

    as_step: a name that is both is meant as the step.
    """
    root = argparse.ArgumentParser(prog="protomtl", description=__doc__)
    root.add_argument("--version", action="version", version=__version__)
    subparsers = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    others = commands()
    for name in runner.steps():
        alone = name not in others
        command = subparsers.add_parser(name, help=(words := docstring_line(runner.source(name))), description=words)
        if runner.per_run(name):
            command.add_argument("--method", required=alone, help="a block under `method` in params.yaml")
            command.add_argument("--seed", required=alone, type=argument(Seed), help="of the run")
        elif name == chosen and runner.defines(name, "arguments"):
            runner.module(name).arguments(command)
    for name, path in others.items():
        if name in runner.steps():
            command = subparsers.choices[name]
        else:
            command = subparsers.add_parser(name, help=(words := docstring_line(path)), description=words)
        meant = name == chosen and not (as_step and name in runner.steps())
        if meant and hasattr(module := command_module(name), "arguments"):
            module.arguments(command)
            command.formatter_class = argparse.RawDescriptionHelpFormatter
            command.epilog = f"examples:{module.EXAMPLES}" if hasattr(module, "EXAMPLES") else None
    return root


def commands() -> dict[str, Path]:
    """The modules of commands/. One that has a step's name is what the name means where no --method is given."""
    return {path.stem: path for path in sorted((runner.PACKAGE / "commands").glob("[!_.]*.py"))}


def command_module(name: str) -> Any:
    return importlib.import_module(f"protomtl.commands.{name}")


def docstring_line(path: Path) -> str:
    """The first line of a step's or a command's module. Not even parsed: each job would parse them all."""
    with path.open(encoding="utf-8") as file:
        first = file.readline().strip().removeprefix('"""').removesuffix('"""')
    return re.sub(r"^(Step|Command) `\w+`: ", "", first).replace("%", "%%")


def run(words: list[str]) -> None:
    """Run what the words of a command line say."""
    if words[:1] == ["embed"] and any(word.startswith("--model") for word in words):
        print("protomtl embed --model: now `protomtl encode`; the old name goes with version 0.4", file=sys.stderr)
        words = ["encode", *words[1:]]
    args = parser(words[0] if words else None, "--method" in words).parse_args(words)
    if args.command in commands() and not getattr(args, "method", None):
        collect_garbage()
        command_module(args.command).run(args)
    elif not (runner.defines(args.command, "command") and whole_command(args)):
        method, seed = (getattr(args, name, None) for name in ("method", "seed"))
        if runner.per_run(args.command) and seed is None:
            sys.exit(f"protomtl {args.command} --method {method}: --seed is needed, too")
        runner.run(args.command, method, seed, partial(begin, method))


def whole_command(args: argparse.Namespace) -> bool:
    """Whether the arguments of a step made it more than the step; then it is done."""
    collect_garbage()
    return bool(runner.module(args.command).command(args))


def begin(method: str | None) -> None:
    """What is between the imports of a step and its work."""
    check_params(method)
    collect_garbage()


def collect_garbage() -> None:
    """From now on, and not among what was imported, which stays to the end."""
    gc.freeze()
    gc.enable()


def check_params(method: str | None) -> None:
    """All of params.yaml, since DVC is told of what is wrong by its first stage.

    What the check alone imported is forgotten: `runner.run` holds a step to the sources that itself imports.
    """
    before = set(sys.modules)
    importlib.import_module("protomtl.params").load(run=method)
    for name in set(sys.modules) - before:
        if name.startswith("protomtl."):
            del sys.modules[name]


REFUSED, INTERRUPTED = 2, 130  # as argparse and shells have it; 1 is the answer no, of `verify`


def main() -> None:
    """The command line as a program: what cannot be done ends with one line and status 2."""
    gc.disable()  # until all is imported: to look through modules, again and again, is a quarter of a short step
    hold_streams()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a locale may lack a letter of what is said
    try:
        check_folder()
        with faults.in_words():
            run(sys.argv[1:])
            sys.stdout.flush()
    except KeyboardInterrupt:
        goes_on = {*sys.argv[1:2]} <= {*runner.steps()}  # a step has what it finished; other commands begin anew
        print(f"interrupted; run the same command again{' to go on' if goes_on else ''}", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except SystemExit as stop:
        if not isinstance(stop.code, str):
            raise
        print(stop.code, file=sys.stderr)
        sys.exit(REFUSED)
    finally:
        gc.enable()


def hold_streams() -> None:
    """Open what the caller has closed of the three standard streams, on nothing: else the next file that is opened
    would be taken for it."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            if os.open(os.devnull, os.O_RDWR) != number:
                continue  # somebody has opened it meanwhile
            os.set_inheritable(number, True)
            setattr(sys, name, os.fdopen(number, "w" if number else "r", encoding="utf-8", closefd=False))


def check_folder() -> None:
    """SystemExit where the current folder was removed: libraries would end without a reason."""
    try:
        Path.cwd()
    except FileNotFoundError:
        sys.exit("the current folder is gone; change to one that is there")
